package dev.annulus;

class IoUringInlineBatchTest extends IoUringBatchTest {
  @Override
  boolean inlineReads() {
    return true;
  }
}
