package dev.annulus;

class PortableCancellationTest extends CancellationContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
