package dev.annulus.adapter.nio;

import dev.annulus.Backend;

class IoUringAsynchronousFileChannelTest extends AsynchronousFileChannelContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
