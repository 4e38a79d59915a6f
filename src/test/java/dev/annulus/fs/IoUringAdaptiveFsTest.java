package dev.annulus.fs;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;

/** The default: system calls on the calling thread, reads from the page cache, and futures, each where it is cheapest. */
class IoUringAdaptiveFsTest extends FsContract {
  @Override
  public IoRuntime.Builder configure(IoRuntime.Builder builder) {
    return builder.backend(Backend.IO_URING);
  }

  @Override
  public Blocking mode() {
    return Blocking.ADAPTIVE;
  }
}
