package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Errno;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

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

  /** Told how many entries the kernel has taken at once. */
  volatile @Nullable IntConsumer batchListener;

  static void count(AtomicLong counter) {
    add(counter, 1);
  }

  static void add(AtomicLong counter, long amount) {
    counter.lazySet(counter.getPlain() + amount);
  }

  /** The kernel has taken entries. */
  void tellBatch(int entries) {
    IntConsumer listener = batchListener;
    if (listener != null) {
      listener.accept(entries);
    }
  }

  /** Counts how an operation ended. */
  void countResult(int result) {
    count(result >= 0 ? completed : result == -Errno.ECANCELED ? cancelled : failed);
  }
}
