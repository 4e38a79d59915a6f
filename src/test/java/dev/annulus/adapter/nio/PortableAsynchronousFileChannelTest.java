package dev.annulus.adapter.nio;

import dev.annulus.Backend;

class PortableAsynchronousFileChannelTest extends AsynchronousFileChannelContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
