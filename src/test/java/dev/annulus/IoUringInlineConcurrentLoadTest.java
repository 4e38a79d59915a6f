package dev.annulus;

class IoUringInlineConcurrentLoadTest extends ConcurrentLoadContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Override
  boolean inlineReads() {
    return true;
  }
}
