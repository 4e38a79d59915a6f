package dev.annulus;

class IoUringCompletionTest extends CompletionContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
