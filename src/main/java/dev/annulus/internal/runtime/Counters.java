package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Errno;
import java.util.concurrent.atomic.AtomicLong;

/** What one thread has done. That thread alone writes, with ordered stores and no locked instruction; anyone may read. */
final class Counters {
  final AtomicLong submitted = new AtomicLong();
  final AtomicLong completed = new AtomicLong();
  final AtomicLong failed = new AtomicLong();
  final AtomicLong cancelled = new AtomicLong();
  final AtomicLong enters = new AtomicLong();
  final AtomicLong wakeups = new AtomicLong();
  final AtomicLong overflows = new AtomicLong();
  final AtomicLong retries = new AtomicLong();
  final AtomicLong stale = new AtomicLong();
  final AtomicLong abandoned = new AtomicLong();

  static void count(AtomicLong counter) {
    add(counter, 1);
  }

  static void add(AtomicLong counter, long amount) {
    counter.lazySet(counter.getPlain() + amount);
  }

  /** Counts how an operation ended. */
  void countResult(int result) {
    count(result >= 0 ? completed : result == -Errno.ECANCELED ? cancelled : failed);
  }
}
