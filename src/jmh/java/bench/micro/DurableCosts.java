package bench.micro;

import dev.annulus.AsyncFile;
import dev.annulus.Durability;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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

/** Durable writes of 4 KiB, one after the other, over a file of 16 MiB beside the other temporary ones. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class DurableCosts {
  private static final int BLOCK = 4096;
  private static final int BLOCKS = 4096;

  /** How they become durable. */
  @Param
  public Durability durability;

  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BLOCK);
  private IoRuntime runtime;
  private Path path;
  private AsyncFile file;
  private int next;

  /** Makes the file. */
  @Setup(Level.Trial)
  public void open() throws IOException {
    path = Files.createTempFile("annulus-jmh", ".dat");
    Files.write(path, new byte[BLOCK * BLOCKS], StandardOpenOption.SYNC);
    runtime = IoRuntime.builder().durability(durability).open();
    file = runtime.openFile(path, StandardOpenOption.WRITE).join();
  }

  /** Removes it. */
  @TearDown(Level.Trial)
  public void close() throws IOException {
    runtime.close();
    Files.delete(path);
  }

  /** One write, awaited. */
  @Benchmark
  public int write() {
    next = (next + 1) % BLOCKS;
    file.writeDurably(buffer.clear(), (long) next * BLOCK).join();
    return buffer.position();
  }
}
