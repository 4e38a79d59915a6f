package dev.annulus;

class PortableFailingDiskTest extends FailingDiskContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
