package dev.annulus;

class IoUringLifecycleTest extends LifecycleContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
