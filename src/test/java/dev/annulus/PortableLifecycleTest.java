package dev.annulus;

class PortableLifecycleTest extends LifecycleContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
