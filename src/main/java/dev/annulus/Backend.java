package dev.annulus;

/** What carries out the operations of an {@link IoRuntime}. */
public enum Backend {
  /** io_uring if this machine allows it, else the portable one. Only a wish: a runtime never reports it as its backend. */
  AUTO,
  /** The kernel's io_uring, or no runtime at all. */
  IO_URING,
  /** {@link java.nio.channels.FileChannel} and a bounded pool of threads; runs everywhere. */
  PORTABLE
}
