package dev.annulus;

class PortableOpenOptionsTest extends OpenOptionsContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
