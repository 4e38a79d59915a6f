package dev.annulus;

class PortableEndTextsTest extends EndTextsContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
