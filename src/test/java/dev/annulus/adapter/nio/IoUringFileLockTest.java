package dev.annulus.adapter.nio;

import dev.annulus.Backend;

class IoUringFileLockTest extends FileLockContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
