package dev.annulus;

class PortableDroppedFileTest extends DroppedFileContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
