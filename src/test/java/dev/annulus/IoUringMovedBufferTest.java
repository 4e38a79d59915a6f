package dev.annulus;

/** Buffers moved by other threads, on the ring. */
final class IoUringMovedBufferTest extends MovedBufferContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
