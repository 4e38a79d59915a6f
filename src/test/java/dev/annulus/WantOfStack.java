package dev.annulus;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.logging.Level;
import java.util.logging.Logger;

/** A JVM in which operations are begun at each depth of the stack, down to where it ends. */
final class WantOfStack {
  private static final int BYTES = 512;
  private static final int DESCENTS = 60;

  /** How far up from the end of the stack, and how far apart. */
  private static final int FRAMES = 2500;

  private static final int STEP = 3;

  private static final List<CompletableFuture<?>> FUTURES = new ArrayList<>(1 << 16);
  private static final ByteBuffer BUFFER = ByteBuffer.allocateDirect(BYTES);

  private static int overflows;
  private static int begun;
  private static int kind;

  private WantOfStack() {}

  public static void main(String[] arguments) throws Exception {
    Logger.getLogger("dev.annulus").setLevel(Level.OFF);
    Path path = Files.write(Files.createTempFile("want", ".data"), new byte[BYTES]);
    try (IoRuntime runtime =
        IoRuntime.builder()
            .backend(Backend.valueOf(arguments[0]))
            .inlineReads(false)
            .closeTimeout(Duration.ofSeconds(5))
            .open()) {
      AsyncFile file =
          runtime.openFile(path, StandardOpenOption.READ, StandardOpenOption.WRITE).get(10, TimeUnit.SECONDS);
      for (int i = 0; i < DESCENTS; i++) {
        kind = i % 4;
        descend(file, i % 64);
        awaitAll();
      }
      Object _ = file.read(BUFFER.duplicate(), 0).get(10, TimeUnit.SECONDS);
      Object _ = file.sync(Sync.DATA).get(10, TimeUnit.SECONDS);
      Object _ = file.closeAsync().get(10, TimeUnit.SECONDS);
      if (runtime.stats().inFlight() != 0 || runtime.stats().queued() != 0) {
        throw new AssertionError(runtime.stats().toString());
      }
    }
    Files.delete(path);
    System.out.println(overflows + " overflows, " + begun + " begun");
    System.out.println(overflows > DESCENTS && begun > DESCENTS ? "all well" : "the stack ran out always, or never");
  }

  /** Begins one where the stack ends, one a little further up, and so on. The padding shifts where it ends. */
  private static int descend(AsyncFile file, int padding) {
    int frames = padding > 0 ? pad(file, padding) : deeper(file, 0);
    return frames;
  }

  private static int pad(AsyncFile file, int padding) {
    return descend(file, padding - 1) + 1;
  }

  @SuppressWarnings("InfiniteRecursion") // that is the purpose
  private static int deeper(AsyncFile file, int depth) {
    int below;
    try {
      below = deeper(file, depth + 1);
    } catch (StackOverflowError e) {
      below = 0;
    }
    if (below < FRAMES && below % STEP == kind % STEP) {
      try {
        begin(file);
      } catch (StackOverflowError e) {
        overflows++;
      }
    }
    return below + 1;
  }

  private static void begin(AsyncFile file) {
    CompletableFuture<?> future =
        switch (kind) {
          case 0 -> file.read(BUFFER.duplicate(), 0);
          case 1 -> file.write(BUFFER.duplicate(), 0);
          case 2 -> file.sync(Sync.DATA);
          default -> file.size();
        };
    FUTURES.add(future);
    begun++;
  }

  private static void awaitAll() throws Exception {
    for (CompletableFuture<?> future : FUTURES) {
      try {
        Object _ = future.get(10, TimeUnit.SECONDS);
      } catch (TimeoutException e) {
        throw new AssertionError("a future of kind " + kind + " does not end", e);
      } catch (ExecutionException e) {
        // It has ended.
      }
    }
    FUTURES.clear();
  }
}
