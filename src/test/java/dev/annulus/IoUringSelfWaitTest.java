package dev.annulus;

class IoUringSelfWaitTest extends SelfWaitContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
