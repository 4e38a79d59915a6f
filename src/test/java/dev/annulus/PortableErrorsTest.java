package dev.annulus;

class PortableErrorsTest extends ErrorsContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
