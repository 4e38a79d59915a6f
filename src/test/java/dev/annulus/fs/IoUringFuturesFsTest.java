package dev.annulus.fs;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;

/** Every operation through the ring, and its future waited for. */
class IoUringFuturesFsTest extends FsContract {
  @Override
  public IoRuntime.Builder configure(IoRuntime.Builder builder) {
    return builder.backend(Backend.IO_URING).inlineReads(false);
  }

  @Override
  public Blocking mode() {
    return Blocking.FUTURES;
  }
}
