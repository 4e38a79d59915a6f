package dev.annulus.adapter.lucene;

import dev.annulus.Backend;

class PortablePrefetchTest extends PrefetchContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }

  @Override
  boolean stopsReadsOfPipes() {
    return false;
  }
}
