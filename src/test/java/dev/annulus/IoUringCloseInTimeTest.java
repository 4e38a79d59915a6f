package dev.annulus;

class IoUringCloseInTimeTest extends CloseInTimeContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
