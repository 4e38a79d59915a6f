package dev.annulus;

class IoUringInlineCompletionTest extends CompletionContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Override
  boolean inlineReads() {
    return true;
  }
}
