package dev.annulus.adapter.nio;

import dev.annulus.Backend;

class IoUringRandomChannelTest extends RandomChannelContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
