package dev.annulus;

class IoUringErrorsTest extends ErrorsContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
