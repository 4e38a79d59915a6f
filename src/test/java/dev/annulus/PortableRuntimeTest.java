package dev.annulus;

class PortableRuntimeTest extends IoRuntimeContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
