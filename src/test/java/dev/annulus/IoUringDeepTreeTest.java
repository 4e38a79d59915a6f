package dev.annulus;

class IoUringDeepTreeTest extends DeepTreeContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
