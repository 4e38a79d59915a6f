package dev.annulus;

class IoUringInlineTransferTest extends TransferContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Override
  boolean inlineReads() {
    return true;
  }
}
