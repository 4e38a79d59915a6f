package wal;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/** Producers that append for a while, each its next record when the last one is durable. */
final class Round {
  private static final long LONGEST_MICROS = TimeUnit.MINUTES.toMicros(10);
  private static final int DIGITS = 3;

  private final Options options;
  private final Durable durable;

  /** How many records of each producer are durable; goes on from round to round. */
  private final long[] acknowledged;

  private final CountDownLatch start = new CountDownLatch(1);
  private final Histogram latency = new ConcurrentHistogram(LONGEST_MICROS, DIGITS);

  /**
   * What a round brought.
   *
   * @param perSecond records made durable per second
   * @param p50 latency in microseconds that half of them did not exceed
   * @param p99 likewise, 99 %
   */
  record Figures(double perSecond, double p50, double p99) {}

  Round(Options options, Durable durable, long[] acknowledged) {
    this.options = options;
    this.durable = durable;
    this.acknowledged = acknowledged;
  }

  /** Runs it; the first failure of a producer ends it. */
  Figures run() throws ExecutionException, InterruptedException {
    List<FutureTask<Long>> producers = new ArrayList<>();
    for (int i = 0; i < options.producers(); i++) {
      int producer = i;
      FutureTask<Long> task = new FutureTask<>(() -> produce(producer));
      Thread.ofPlatform().daemon().name("producer-" + i).start(task);
      producers.add(task);
    }
    long started = System.nanoTime();
    start.countDown();
    long records = 0;
    for (FutureTask<Long> producer : producers) {
      records += producer.get();
    }
    double seconds = (System.nanoTime() - started) / 1e9;
    return new Figures(records / seconds, latency.getValueAtPercentile(50), latency.getValueAtPercentile(99));
  }

  private long produce(int producer) throws Exception {
    ByteBuffer record = ByteBuffer.allocateDirect(options.recordBytes());
    start.await();
    long end = System.nanoTime() + (long) (options.seconds() * 1e9);
    long before = acknowledged[producer];
    for (long now = System.nanoTime(); now < end; ) {
      new Payload(producer, acknowledged[producer]).write(record);
      durable.append(record);
      acknowledged[producer]++;
      long done = System.nanoTime();
      latency.recordValue(Math.min(LONGEST_MICROS, (done - now) / 1000));
      now = done;
    }
    return acknowledged[producer] - before;
  }
}
