package dev.annulus;

class IoUringFailingDiskTest extends FailingDiskContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
