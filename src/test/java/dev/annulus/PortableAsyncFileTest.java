package dev.annulus;

class PortableAsyncFileTest extends AsyncFileContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
