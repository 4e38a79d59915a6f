package dev.annulus;

class IoUringRuntimeTest extends IoRuntimeContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
