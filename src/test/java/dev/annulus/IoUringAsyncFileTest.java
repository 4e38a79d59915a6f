package dev.annulus;

class IoUringAsyncFileTest extends AsyncFileContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
