package dev.annulus.faults;

import dev.annulus.Backend;

class IoUringFaultTest extends FaultContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
