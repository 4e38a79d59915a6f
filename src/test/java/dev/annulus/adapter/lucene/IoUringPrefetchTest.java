package dev.annulus.adapter.lucene;

import dev.annulus.Backend;

class IoUringPrefetchTest extends PrefetchContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Override
  boolean stopsReadsOfPipes() {
    return true;
  }
}
