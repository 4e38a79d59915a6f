package dev.annulus.internal.driver;

import java.util.concurrent.atomic.LongAdder;

/** What several threads have done; any of them counts. */
public final class SharedCounters {
  public final LongAdder submitted = new LongAdder();
  public final LongAdder completed = new LongAdder();
  public final LongAdder failed = new LongAdder();
  public final LongAdder cancelled = new LongAdder();
  public final LongAdder abandoned = new LongAdder();

  public void countResult(int result) {
    (result >= 0 ? completed : result == -Errno.ECANCELED ? cancelled : failed).increment();
  }
}
