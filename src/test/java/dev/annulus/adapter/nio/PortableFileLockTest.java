package dev.annulus.adapter.nio;

import dev.annulus.Backend;

class PortableFileLockTest extends FileLockContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
