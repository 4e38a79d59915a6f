package dev.annulus;

class PortableSoakTest extends SoakContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
