package dev.annulus.adapter.nio;

import dev.annulus.Backend;

class IoUringFileChannelTest extends FileChannelContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
