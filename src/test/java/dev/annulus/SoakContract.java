package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Everything at once, for as long as one likes ({@code -Dannulus.soak.seconds}): threads of both kinds read, write, sync, cancel, time
 * out, close and open, in futures and through the facade, over and over, while runtimes come and go under them. Each region of the file
 * belongs to one thread, which therefore knows what must be in it. Nothing may be lost, mixed up, hang or stay behind.
 */
abstract class SoakContract extends BackendContract {
  private static final int PLATFORM_THREADS = 4;
  private static final int VIRTUAL_THREADS = 12;
  private static final int THREADS = PLATFORM_THREADS + VIRTUAL_THREADS;
  private static final int REGIONS_PER_THREAD = 8;
  private static final int SECONDS = Integer.getInteger("annulus.soak.seconds", 4);

  /** How long one runtime lasts, and what is granted to its threads to end. */
  private static final long EPOCH_MILLIS = Math.min(2_000, SECONDS * 1_000L / 2);

  private static final int PATIENCE_SECONDS = 60;

  /** What an operation may take with nobody else about. */
  private static final int ALONE_PATIENCE_SECONDS = 10;

  private final long seed = Long.getLong("annulus.soak.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final String name = "soak-" + System.nanoTime();
  private final AtomicLong operations = new AtomicLong();
  private final AtomicLong givenUp = new AtomicLong();

  @Test
  @Timeout(value = 24, unit = TimeUnit.HOURS)
  void everything_atOnceForLong_losesNothing() throws Exception {
    List<SoakRegion> regions = new ArrayList<>();
    Path path = missing();
    Files.write(path, new byte[THREADS * REGIONS_PER_THREAD * SoakRegion.BYTES]);
    for (int i = 0; i < THREADS * REGIONS_PER_THREAD; i++) {
      regions.add(new SoakRegion(i));
    }
    int descriptors = Processes.descriptors().size();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    int epochs = 0;
    try {
      while (epochs == 0 || System.nanoTime() < end) {
        epoch(path, regions, epochs % 2 == 1);
        verify(path, regions);
        assertEquals(List.of(), openHere());
        assertEquals(List.of(), Processes.threadsNamed(name));
        epochs++;
      }
    } catch (Throwable e) {
      throw new AssertionError("in epoch " + epochs + "; again with -Dannulus.soak.seed=" + seed, e);
    }
    int left = Processes.descriptors().size() - descriptors;
    assertTrue(left <= 2, () -> left + " descriptors more than before; seed " + seed);
    System.out.printf("soak %s: %,d operations, %,d of them given up, ", backend(), operations.get(), givenUp.get());
    System.out.printf("%d runtimes in %d s%n", epochs, SECONDS);
    assertTrue(operations.get() > 1_000L && givenUp.get() > 10, "too little was done to tell anything");
  }

  /** One runtime's life; it ends when its threads have, or under them. */
  private void epoch(Path path, List<SoakRegion> regions, boolean closeUnderThem) throws Exception {
    IoRuntime.Builder settings =
        builder()
            .inlineReads(random.nextBoolean())
            .maxInFlight(1 + random.nextInt(64))
            .maxQueued(1 + random.nextInt(64))
            .whenFull(random.nextBoolean() ? WhenFull.BLOCK : WhenFull.FAIL)
            .threadName(name);
    IoRuntime mortal = settings.open();
    AtomicBoolean over = new AtomicBoolean();
    AsyncFile shared = get(mortal.openFile(path, READ, WRITE));
    alone(mortal, shared, 1 + random.nextInt(2));
    ExecutorService platform = Executors.newFixedThreadPool(PLATFORM_THREADS, Thread.ofPlatform().daemon().factory());
    ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor();
    try {
      List<Future<Void>> ends = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        List<SoakRegion> own = regions.subList(i * REGIONS_PER_THREAD, (i + 1) * REGIONS_PER_THREAD);
        SoakWorker worker = new SoakWorker(mortal, shared, own, random.nextLong(), over, operations, givenUp);
        ends.add((i < PLATFORM_THREADS ? platform : virtual).submit(worker));
      }
      boolean failedEarly = awaitOne(ends, EPOCH_MILLIS);
      if (closeUnderThem && !failedEarly) {
        mortal.close();
      }
      over.set(true);
      for (Future<Void> ended : ends) {
        Void _ = awaitEnd(ended);
      }
    } finally {
      // Not closed, which would wait for a thread that hangs: that is to be told.
      platform.shutdown();
      virtual.shutdown();
      mortal.close();
    }
    RuntimeStats stats = mortal.stats();
    assertEquals(0, stats.inFlight() + stats.queued() + stats.staleCompletions() + stats.abandoned(), stats.toString());
  }

  /**
   * Few operations at a time with nobody else about, each begun just when the one before has ended and those who serve it may be about to
   * sleep. A wake-up that gets lost is made up for by nobody here; among many threads the next submission would.
   */
  private void alone(IoRuntime mortal, AsyncFile file, int threads) throws Exception {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(EPOCH_MILLIS / 4);
    try (ExecutorService loners = Executors.newFixedThreadPool(threads)) {
      List<Future<?>> ends = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        Random own = new Random(random.nextLong());
        ends.add(loners.submit(() -> aloneUntil(end, mortal, file, own)));
      }
      for (Future<?> ended : ends) {
        var _ = ended.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      }
    }
  }

  private void aloneUntil(long end, IoRuntime mortal, AsyncFile file, Random own) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(64);
    while (System.nanoTime() < end) {
      IoFuture<?> future =
          switch (own.nextInt(8)) {
            case 0 -> file.size();
            case 1 -> file.read(buffer.clear(), 0);
            default -> (IoFuture<?>) mortal.nop();
          };
      operations.incrementAndGet();
      if (own.nextInt(16) == 0) {
        givenUp.addAndGet(future.cancel(true) ? 1 : 0);
      }
      awaitAwake(future.released(), mortal);
      for (int pause = own.nextInt(200); pause > 0; pause--) {
        Thread.onSpinWait();
      }
    }
  }

  /** Without sleeping, which would let the others fall asleep first. */
  private void awaitAwake(CompletableFuture<Void> over, IoRuntime mortal) {
    long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(ALONE_PATIENCE_SECONDS);
    for (int looks = 1; !over.isDone(); looks++) {
      Thread.onSpinWait();
      if (looks % 1_000 == 0) {
        LockSupport.parkNanos(1);
        if (System.nanoTime() > patience) {
          throw new AssertionError("nothing moves: " + mortal.stats() + "; seed " + seed);
        }
      }
    }
  }

  /** The length of an epoch, unless a thread ends before, which none may. */
  private static boolean awaitOne(List<Future<Void>> ends, long millis) throws Exception {
    try {
      Void _ = ends.get(0).get(millis, TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return ends.stream().anyMatch(Future::isDone);
    }
  }

  private static Void awaitEnd(Future<Void> ended) throws Exception {
    try {
      return ended.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("a thread hangs:\n" + SoakWorker.stacks(), e);
    }
  }

  /** With no runtime there: what the file holds is what the threads know. */
  private static void verify(Path path, List<SoakRegion> regions) throws IOException {
    byte[] all = Files.readAllBytes(path);
    assertEquals(regions.size() * SoakRegion.BYTES, all.length);
    for (SoakRegion region : regions) {
      region.check(all, (int) region.position(), 0, SoakRegion.BYTES);
    }
  }

  private List<String> openHere() throws IOException {
    return Processes.descriptors().stream().filter(target -> target.startsWith(dir.toString())).toList();
  }
}
