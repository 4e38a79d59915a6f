package dev.annulus;

class PortableTransferTest extends TransferContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
