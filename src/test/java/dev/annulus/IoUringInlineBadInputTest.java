package dev.annulus;

class IoUringInlineBadInputTest extends BadInputContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Override
  boolean inlineReads() {
    return true;
  }
}
