package dev.annulus;

class PortableCallerRunsTransferTest extends TransferContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }

  @Override
  AsyncFile view(AsyncFile file) {
    return file.callerRuns();
  }
}
