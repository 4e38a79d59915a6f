package bench.micro;

import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.ring.CompletionQueue;
import dev.annulus.internal.ring.KernelRing;
import dev.annulus.internal.ring.RingSetupException;
import dev.annulus.internal.ring.SubmissionQueue;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What the bare ring costs, without a runtime around it: nops pushed, submitted with one call, and reaped. Time is per batch. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class RingCosts {
  private static final int ENTRIES = 256;

  /** How many nops one call of the kernel takes and brings back. */
  @Param({"1", "32", "128"})
  public int batch;

  private KernelRing ring;

  /** Makes the ring on the thread that uses it, with the flags that the runtime asks for first. */
  @Setup(Level.Trial)
  public void open() throws RingSetupException {
    ring =
        KernelRing.open(
            ENTRIES,
            ENTRIES,
            IoUring.IORING_SETUP_SINGLE_ISSUER | IoUring.IORING_SETUP_DEFER_TASKRUN | IoUring.IORING_SETUP_NO_SQARRAY);
  }

  /** Takes it down. */
  @TearDown(Level.Trial)
  public void close() {
    ring.close();
  }

  /** A batch of nops there and back. */
  @Benchmark
  public long nops() {
    SubmissionQueue submissions = ring.submissions();
    CompletionQueue completions = ring.completions();
    for (int i = 0; i < batch; i++) {
      submissions.push(IoUring.IORING_OP_NOP, -1, 0, 0, 0, 0, i);
    }
    submissions.publish();
    int entered = ring.enter(batch, batch, 0);
    int ready = completions.ready();
    if (entered != batch || ready != batch) {
      throw new IllegalStateException("submitted " + entered + ", ready " + ready);
    }
    long sum = 0;
    for (int i = 0; i < ready; i++) {
      sum += completions.userData(i) + completions.result(i);
    }
    completions.advance(ready);
    return sum;
  }
}
