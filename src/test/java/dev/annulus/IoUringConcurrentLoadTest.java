package dev.annulus;

class IoUringConcurrentLoadTest extends ConcurrentLoadContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
