package bench.micro;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.ring.CompletionQueue;
import dev.annulus.internal.ring.KernelRing;
import dev.annulus.internal.ring.RingSetupException;
import dev.annulus.internal.ring.SubmissionQueue;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
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

/** What registered memory saves: batches of direct reads of 4 KiB on the bare ring, with it and without. Time is per batch. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class RegisteredCosts {
  private static final int ENTRIES = 256;
  private static final int BLOCK = 4096;
  private static final int BLOCKS = 16 * 1024;

  /** How many reads are in flight at once. */
  @Param({"32", "128"})
  public int batch;

  /** Whether the memory is registered. */
  @Param({"false", "true"})
  public boolean registered;

  private final SplittableRandom random = new SplittableRandom(1);
  private final Arena arena = Arena.ofShared();
  private KernelRing ring;
  private Path path;
  private MemorySegment memory;
  private int fd;

  /** Makes a file of 64 MiB beside the other temporary ones, and a ring. */
  @Setup(Level.Trial)
  public void open() throws IOException, RingSetupException {
    path = Files.createTempFile("annulus-jmh", ".dat");
    byte[] chunk = new byte[BLOCK * 256];
    try (var out = Files.newOutputStream(path)) {
      for (int i = 0; i < BLOCKS / 256; i++) {
        out.write(chunk);
      }
    }
    fd = Syscalls.openat(Fcntl.AT_FDCWD, arena.allocateFrom(path.toString()), Fcntl.O_RDONLY | Syscalls.arch().openDirect, 0);
    if (fd < 0 || Syscalls.fsync(fd) < 0) {
      throw new IOException("cannot open " + path + " for direct I/O: errno " + -fd);
    }
    ring =
        KernelRing.open(
            ENTRIES,
            ENTRIES,
            IoUring.IORING_SETUP_SINGLE_ISSUER | IoUring.IORING_SETUP_DEFER_TASKRUN | IoUring.IORING_SETUP_NO_SQARRAY);
    memory = arena.allocate((long) batch * BLOCK, BLOCK);
    int refused = registered ? ring.registerMemory(memory) : 0;
    if (refused < 0) {
      throw new IOException("the memory cannot be registered: errno " + -refused);
    }
  }

  /** Takes all down. */
  @TearDown(Level.Trial)
  public void close() throws IOException {
    ring.close();
    int closed = Syscalls.close(fd);
    Files.delete(path);
    arena.close();
    if (closed < 0) {
      throw new IOException("close: errno " + -closed);
    }
  }

  /** A batch of reads there and back. */
  @Benchmark
  public long reads() {
    SubmissionQueue submissions = ring.submissions();
    CompletionQueue completions = ring.completions();
    int opcode = registered ? IoUring.IORING_OP_READ_FIXED : IoUring.IORING_OP_READ;
    for (int i = 0; i < batch; i++) {
      submissions.push(opcode, fd, memory.address() + (long) i * BLOCK, BLOCK, random.nextLong(BLOCKS) * BLOCK, 0, i);
    }
    submissions.publish();
    int entered = ring.enter(batch, batch, 0);
    int ready = completions.ready();
    if (entered != batch || ready != batch) {
      throw new IllegalStateException("submitted " + entered + ", ready " + ready);
    }
    long sum = 0;
    for (int i = 0; i < ready; i++) {
      sum += completions.result(i);
    }
    completions.advance(ready);
    if (sum != (long) batch * BLOCK) {
      throw new IllegalStateException("read " + sum + " bytes");
    }
    return sum;
  }
}
