package bench.micro;

import dev.annulus.AsyncFile;
import dev.annulus.IoRuntime;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What an operation costs that does no work: handing it over, taking it back, and reading what is in memory anyway. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class RuntimeCosts {
  private static final int BLOCK_BYTES = 4096;
  private static final int BATCH = 128;

  private final IoRuntime runtime = IoRuntime.open();
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BLOCK_BYTES);
  private Path path;
  private AsyncFile file;
  private FsFile blocking;
  private FileChannel channel;

  /** Opens a file of one block, which is in the page cache since it was just written. */
  @Setup
  public void open() throws IOException {
    path = Files.write(Files.createTempFile("jmh", ".dat"), new byte[BLOCK_BYTES]);
    file = runtime.openFile(path).join();
    blocking = Fs.on(runtime).open(path, FsOpenOptions.reading());
    channel = FileChannel.open(path);
  }

  /** Closes and removes it. */
  @TearDown
  public void close() throws IOException {
    channel.close();
    runtime.close();
    Files.delete(path);
  }

  /** To the sleeping reaper and back to the sleeping caller: two wake-ups of threads. */
  @Benchmark
  public Void nop_awaited() {
    return runtime.nop().join();
  }

  /** One of many: the wake-ups are shared. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void nop_ofABatch() {
    var last = runtime.nop();
    for (int i = 1; i < BATCH; i++) {
      last = runtime.nop();
    }
    last.join();
  }

  /** A future's way round through the inline attempt. */
  @Benchmark
  public int read_cached() {
    return file.read(buffer.clear(), 0).join();
  }

  /** The same for a caller that waits. */
  @Benchmark
  public int read_cachedThroughCallerRuns() {
    return file.callerRuns().read(buffer.clear(), 0).join();
  }

  /** The blocking facade's. */
  @Benchmark
  public int read_cachedBlocking() throws IOException {
    return blocking.readAt(buffer.clear(), 0);
  }

  /** What it is compared with. */
  @Benchmark
  public int read_cachedFileChannel() throws IOException {
    return channel.read(buffer.clear(), 0);
  }
}
