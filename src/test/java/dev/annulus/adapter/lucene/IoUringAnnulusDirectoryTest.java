package dev.annulus.adapter.lucene;

import dev.annulus.Backend;

class IoUringAnnulusDirectoryTest extends AnnulusDirectoryContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }
}
