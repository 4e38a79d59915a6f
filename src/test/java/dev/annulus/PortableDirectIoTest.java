package dev.annulus;

class PortableDirectIoTest extends DirectIoContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
