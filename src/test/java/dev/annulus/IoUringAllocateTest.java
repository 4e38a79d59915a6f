package dev.annulus;

class IoUringAllocateTest extends AllocateContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
