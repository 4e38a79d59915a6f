package dev.annulus;

class IoUringAdmissionTest extends AdmissionContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
