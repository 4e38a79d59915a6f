package dev.annulus;

class PortableSelfWaitTest extends SelfWaitContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
