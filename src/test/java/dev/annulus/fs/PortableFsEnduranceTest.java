package dev.annulus.fs;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;

class PortableFsEnduranceTest extends FsEnduranceContract {
  @Override
  IoRuntime.Builder configure(IoRuntime.Builder builder) {
    return builder.backend(Backend.PORTABLE);
  }
}
