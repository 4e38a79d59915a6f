package dev.annulus;

class PortableBatchTest extends BatchContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
