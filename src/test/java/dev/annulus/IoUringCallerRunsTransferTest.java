package dev.annulus;

class IoUringCallerRunsTransferTest extends TransferContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Override
  AsyncFile view(AsyncFile file) {
    return file.callerRuns();
  }
}
