package dev.annulus;

class PortableCompletionTest extends CompletionContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
