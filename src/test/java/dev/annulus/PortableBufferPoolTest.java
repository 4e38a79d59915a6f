package dev.annulus;

class PortableBufferPoolTest extends BufferPoolContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
