package dev.annulus;

class PortableStallWarningTest extends StallWarningContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
