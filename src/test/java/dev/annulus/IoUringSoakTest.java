package dev.annulus;

class IoUringSoakTest extends SoakContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
