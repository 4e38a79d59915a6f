package dev.annulus;

class PortableCallerRunsAsyncFileTest extends AsyncFileContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }

  @Override
  AsyncFile view(AsyncFile file) {
    return file.callerRuns();
  }
}
