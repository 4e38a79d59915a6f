package dev.annulus;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/** A JVM whose heap is filled by another thread again and again while operations run. */
final class WantOfMemory {
  private static final int BYTES = 512;
  private static final int WINDOW = 64;
  private static final long SECONDS = 3;
  private static final Logger LOG = Logger.getLogger("dev.annulus");

  private static volatile boolean over;
  private static final AtomicInteger EXHAUSTED = new AtomicInteger();

  private WantOfMemory() {}

  public static void main(String[] arguments) throws Exception {
    LOG.setLevel(Level.OFF);
    Path path = Files.write(Files.createTempFile("want", ".data"), new byte[BYTES]);
    IoRuntime runtime =
        IoRuntime.builder()
            .backend(Backend.valueOf(arguments[0]))
            .inlineReads(false)
            .maxInFlight(256)
            .closeTimeout(Duration.ofSeconds(5))
            .open();
    AsyncFile file =
        runtime.openFile(path, StandardOpenOption.READ, StandardOpenOption.WRITE).get(10, TimeUnit.SECONDS);
    Object _ = file.read(ByteBuffer.allocateDirect(BYTES), 0).get(10, TimeUnit.SECONDS);
    Thread filler = Thread.ofPlatform().daemon().start(WantOfMemory::fill);
    int ended = run(file);
    over = true;
    filler.join(10_000);
    Object _ = file.read(ByteBuffer.allocateDirect(BYTES), 0).get(10, TimeUnit.SECONDS);
    Object _ = file.closeAsync().get(10, TimeUnit.SECONDS);
    // Opened anew: a sync of the other one that had no memory is a loss, which it remembers.
    AsyncFile again = runtime.openFile(path, StandardOpenOption.WRITE).get(10, TimeUnit.SECONDS);
    Object _ = again.sync(Sync.DATA).get(10, TimeUnit.SECONDS);
    Object _ = again.closeAsync().get(10, TimeUnit.SECONDS);
    if (runtime.stats().inFlight() != 0 || runtime.stats().queued() != 0) {
      throw new AssertionError(runtime.stats().toString());
    }
    runtime.close();
    Files.delete(path);
    System.out.println(ended + " operations, " + EXHAUSTED.get() + " times out of memory");
    System.out.println(EXHAUSTED.get() > 0 ? "all well" : "memory never ran out");
  }

  private static int run(AsyncFile file) throws Exception {
    @Nullable CompletableFuture<?>[] window = new CompletableFuture<?>[WINDOW];
    ByteBuffer buffer = ByteBuffer.allocateDirect(BYTES);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    int ended = 0;
    for (int i = 0; System.nanoTime() < deadline; i++) {
      int at = i % WINDOW;
      try {
        CompletableFuture<?> last = window[at];
        if (last != null) {
          awaitEnd(last);
          window[at] = null;
          ended++;
        }
        window[at] = begin(file, buffer, i);
      } catch (OutOfMemoryError e) {
        // It is told to the caller.
      }
    }
    over = true;
    for (@Nullable CompletableFuture<?> last : window) {
      if (last != null) {
        awaitEnd(last);
      }
    }
    return ended;
  }

  private static CompletableFuture<?> begin(AsyncFile file, ByteBuffer buffer, int number) {
    return switch (number % 5) {
      case 0 -> file.write(buffer.duplicate(), 0);
      case 1 -> file.sync(Sync.DATA);
      case 2 -> file.size();
      case 3 -> file.read(buffer.duplicate(), 0).whenComplete((_, _) -> {});
      default -> file.read(buffer.duplicate(), 0);
    };
  }

  private static void awaitEnd(CompletableFuture<?> future) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!future.isDone()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("a future does not end");
      }
      Thread.onSpinWait();
    }
    try {
      Object _ = future.get();
    } catch (ExecutionException e) {
      // It has ended.
    }
  }

  /** Fills the heap with small things until nothing is left, and lets go of them. */
  private static void fill() {
    while (!over) {
      Object[] chain = null;
      try {
        while (!over) {
          chain = new Object[] {chain, new byte[64]};
        }
      } catch (OutOfMemoryError e) {
        int _ = EXHAUSTED.incrementAndGet();
      }
    }
  }
}
