package dev.annulus;

class PortableBadInputTest extends BadInputContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
