package dev.annulus;

class IoUringInlineReleaseTest extends ReleaseContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Override
  boolean inlineReads() {
    return true;
  }
}
