package dev.annulus;

class IoUringCallerRunsAsyncFileTest extends AsyncFileContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Override
  AsyncFile view(AsyncFile file) {
    return file.callerRuns();
  }
}
