package dev.annulus;

class PortableAdmissionTest extends AdmissionContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
