package dev.annulus;

class IoUringReleaseTest extends ReleaseContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
