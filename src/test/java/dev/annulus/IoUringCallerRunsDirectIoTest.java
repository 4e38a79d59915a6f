package dev.annulus;

class IoUringCallerRunsDirectIoTest extends DirectIoContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Override
  AsyncFile view(AsyncFile file) {
    return file.callerRuns();
  }
}
