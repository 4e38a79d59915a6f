package dev.annulus;

class PortableLifecycleTest extends LifecycleContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }

  /** Each would hold a thread of the pool, for ever. */
  @Override
  int readsThatNeverEnd() {
    return 0;
  }
}
