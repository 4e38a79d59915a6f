package dev.annulus.adapter.lucene;

import dev.annulus.Backend;

class PortableAnnulusDirectoryTest extends AnnulusDirectoryContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }
}
