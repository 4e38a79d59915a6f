package dev.annulus;

class IoUringOpenOptionsTest extends OpenOptionsContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
