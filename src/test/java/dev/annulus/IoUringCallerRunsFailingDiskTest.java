package dev.annulus;

class IoUringCallerRunsFailingDiskTest extends FailingDiskContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Override
  AsyncFile view(AsyncFile file) {
    return file.callerRuns();
  }
}
