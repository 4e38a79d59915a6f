package dev.annulus.faults;

import dev.annulus.Backend;

class PortableFaultTest extends FaultContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
