package dev.annulus;

class PortableLargeTransferTest extends LargeTransferContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
