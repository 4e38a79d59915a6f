package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Errno;
import java.util.concurrent.atomic.LongAdder;

/** As {@link Counters}, for what several threads do; the rare operations. */
final class SharedCounters {
  final LongAdder submitted = new LongAdder();
  final LongAdder completed = new LongAdder();
  final LongAdder failed = new LongAdder();
  final LongAdder cancelled = new LongAdder();
  final LongAdder abandoned = new LongAdder();

  void countResult(int result) {
    (result >= 0 ? completed : result == -Errno.ECANCELED ? cancelled : failed).increment();
  }
}
