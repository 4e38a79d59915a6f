package bench.micro;

import dev.annulus.AsyncFile;
import dev.annulus.IoRuntime;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import dev.annulus.metrics.IoRuntimeMetrics;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Recording;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What it costs an operation to be watched: by nobody, by meters, by a recording with the events' own thresholds. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ObservationCosts {
  private static final int BLOCK_BYTES = 4096;
  private static final int BATCH = 128;

  /** Who watches. */
  @Param({"NOBODY", "METERS", "RECORDING"})
  public Watcher watcher;

  /** Who may watch. */
  public enum Watcher {
    /** Nobody. */
    NOBODY,
    /** A registry. */
    METERS,
    /** The flight recorder. */
    RECORDING
  }

  private final IoRuntime runtime = IoRuntime.open();
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BLOCK_BYTES);
  private final Recording recording = new Recording();
  private Path path;
  private AsyncFile file;
  private FsFile blocking;

  /** Opens a file of one block, which is in the page cache since it was just written. */
  @Setup
  public void open() throws IOException {
    path = Files.write(Files.createTempFile("jmh", ".dat"), new byte[BLOCK_BYTES]);
    file = runtime.openFile(path).join();
    blocking = Fs.on(runtime).open(path, FsOpenOptions.reading());
    switch (watcher) {
      case NOBODY -> {}
      case METERS -> new IoRuntimeMetrics(runtime, Tags.empty()).bindTo(new SimpleMeterRegistry());
      case RECORDING -> recording.start();
    }
  }

  /** Closes and removes it. */
  @TearDown
  public void close() throws IOException {
    recording.close();
    runtime.close();
    Files.delete(path);
  }

  /** Through the ring and back. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void nop_ofABatch() {
    var last = runtime.nop();
    for (int i = 1; i < BATCH; i++) {
      last = runtime.nop();
    }
    last.join();
  }

  /** Inline. */
  @Benchmark
  public int read_cached() {
    return file.read(buffer.clear(), 0).join();
  }

  /** On the caller's thread. */
  @Benchmark
  public int read_cachedBlocking() throws IOException {
    return blocking.readAt(buffer.clear(), 0);
  }
}
