package dev.annulus.adapter.nio;

import dev.annulus.Backend;

class PortableFileChannelTest extends FileChannelContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
