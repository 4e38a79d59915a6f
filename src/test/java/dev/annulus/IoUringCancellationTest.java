package dev.annulus;

class IoUringCancellationTest extends CancellationContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
