package dev.annulus.fs;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;

class PortableAdaptiveFsTest extends FsContract {
  @Override
  public IoRuntime.Builder configure(IoRuntime.Builder builder) {
    return builder.backend(Backend.PORTABLE);
  }

  @Override
  public Blocking mode() {
    return Blocking.ADAPTIVE;
  }
}
