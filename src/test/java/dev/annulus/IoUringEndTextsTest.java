package dev.annulus;

class IoUringEndTextsTest extends EndTextsContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
