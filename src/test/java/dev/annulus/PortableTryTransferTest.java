package dev.annulus;

class PortableTryTransferTest extends TryTransferContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }

  @Override
  boolean doesSome() {
    return false;
  }
}
