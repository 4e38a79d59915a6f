package dev.annulus;

/** Buffers moved by other threads, on the portable backend. */
final class PortableMovedBufferTest extends MovedBufferContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
