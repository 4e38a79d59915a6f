package dev.annulus;

class IoUringDirectIoTest extends DirectIoContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
