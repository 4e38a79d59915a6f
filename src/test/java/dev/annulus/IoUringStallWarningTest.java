package dev.annulus;

class IoUringStallWarningTest extends StallWarningContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
