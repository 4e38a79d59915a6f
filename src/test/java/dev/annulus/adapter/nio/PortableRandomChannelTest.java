package dev.annulus.adapter.nio;

import dev.annulus.Backend;

class PortableRandomChannelTest extends RandomChannelContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
