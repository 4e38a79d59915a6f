package dev.annulus;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import com.sun.management.ThreadMXBean;
import dev.annulus.adapter.nio.AnnulusFileChannel;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * A program that reads and writes a block of a file again and again, and says of each way how many bytes of garbage a call makes once it has
 * been compiled. Now and then it uses a heap buffer, which makes more. Argument: the file.
 */
final class GarbageProbe {
  static final int BLOCK_BYTES = 4096;

  private static final int CALLS = 20_000;
  private static final int CALLS_PER_HEAP_BUFFER = 8;

  /** The compiler's threads may have to wait for a processor. Of no matter where they have one. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final ByteBuffer heap = ByteBuffer.allocate(BLOCK_BYTES);
  private final ByteBuffer direct = ByteBuffer.allocateDirect(BLOCK_BYTES);

  private interface Transfer {
    int of(ByteBuffer buffer) throws IOException;
  }

  private GarbageProbe() {}

  public static void main(String[] args) throws IOException {
    Path path = Path.of(args[0]);
    GarbageProbe probe = new GarbageProbe();
    try (IoRuntime runtime = IoRuntime.builder().backend(Backend.IO_URING).open();
        Fs fs = Fs.on(runtime);
        FsFile file = fs.open(path, FsOpenOptions.reading().withWrite(true));
        FileChannel channel = AnnulusFileChannel.open(runtime, path, READ, WRITE)) {
      probe.report("FsFile.readAt", buffer -> file.readAt(buffer, 0));
      probe.report("FsFile.writeAt", buffer -> file.writeAt(buffer, 0));
      probe.report("FileChannel.read", buffer -> channel.read(buffer, 0));
      probe.report("FileChannel.write", buffer -> channel.write(buffer, 0));
    }
  }

  private void report(String what, Transfer transfer) throws IOException {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    long bytes;
    do {
      run(transfer, true);
      long before = allocatedBytes();
      run(transfer, false);
      bytes = allocatedBytes() - before;
    } while (bytes >= CALLS && System.nanoTime() < deadline);
    System.out.println(what + ", bytes per call: " + bytes / CALLS);
  }

  private void run(Transfer transfer, boolean mixed) throws IOException {
    for (int i = 0; i < CALLS; i++) {
      ByteBuffer buffer = mixed && i % CALLS_PER_HEAP_BUFFER == 0 ? heap : direct;
      int count = transfer.of(buffer.clear());
      if (count != BLOCK_BYTES) {
        throw new IOException("transferred " + count);
      }
    }
  }

  private static long allocatedBytes() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
  }
}
