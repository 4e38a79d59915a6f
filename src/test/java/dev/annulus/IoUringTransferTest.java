package dev.annulus;

class IoUringTransferTest extends TransferContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
