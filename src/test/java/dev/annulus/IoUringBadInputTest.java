package dev.annulus;

class IoUringBadInputTest extends BadInputContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
