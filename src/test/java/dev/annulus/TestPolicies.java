package dev.annulus;

import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Policies for runtimes on drivers of the tests' own: nothing that depends on time, and a pool that is soon empty. */
final class TestPolicies {
  private static final int POOL_BYTES = 4 * BufferPool.PAGE_BYTES;

  private TestPolicies() {}

  static Policies plain() {
    return with(null, false, Durability.SYNC_AFTER);
  }

  static Policies with(@Nullable Executor completionExecutor, Durability durability) {
    return with(completionExecutor, false, durability);
  }

  static Policies with(
      @Nullable Executor completionExecutor, boolean inlineReads, Durability durability) {
    return new Policies(completionExecutor, inlineReads, POOL_BYTES, durability);
  }
}
