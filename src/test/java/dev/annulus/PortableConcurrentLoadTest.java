package dev.annulus;

class PortableConcurrentLoadTest extends ConcurrentLoadContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
