package dev.annulus;

class PortableReleaseTest extends ReleaseContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
