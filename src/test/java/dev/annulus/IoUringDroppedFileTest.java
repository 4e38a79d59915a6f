package dev.annulus;

class IoUringDroppedFileTest extends DroppedFileContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
