package dev.annulus;

class IoUringLargeTransferTest extends LargeTransferContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
