package dev.annulus;

class IoUringInlineAsyncFileTest extends AsyncFileContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Override
  boolean inlineReads() {
    return true;
  }
}
