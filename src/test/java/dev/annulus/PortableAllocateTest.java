package dev.annulus;

class PortableAllocateTest extends AllocateContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
