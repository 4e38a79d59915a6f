package dev.annulus;

class PortableDeepTreeTest extends DeepTreeContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
