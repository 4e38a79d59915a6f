package dev.annulus;

class IoUringCallerRunsBadInputTest extends BadInputContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Override
  AsyncFile view(AsyncFile file) {
    return file.callerRuns();
  }
}
