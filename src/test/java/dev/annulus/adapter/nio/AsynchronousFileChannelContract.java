package dev.annulus.adapter.nio;

import static dev.annulus.adapter.nio.ScenarioArguments.text;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@link AnnulusAsynchronousFileChannel}: what the JDK's channel does, and what it does not. */
abstract class AsynchronousFileChannelContract extends ChannelContract {
  @ParameterizedTest
  @EnumSource(AsynchronousScenario.class)
  void calls_ofEachScenario_comeToWhatTheJdksComeTo(AsynchronousScenario scenario) throws Exception {
    assertPlaysAlike(scenario::play);
  }

  // ---- handlers ----

  @Test
  void handlers_byDefault_mayBlockOnTheSameRuntime() throws Exception {
    Path path = Files.writeString(dir.resolve("f"), "0123456789");
    try (AsynchronousFileChannel channel = AnnulusAsynchronousFileChannel.open(runtime, path, READ, WRITE)) {
      CompletableFuture<Boolean> done = new CompletableFuture<>();
      channel.write(
          text("ab"),
          0,
          "it",
          handler(
              done,
              (count, attachment) -> {
                assertEquals("it", attachment);
                assertEquals(2, count);
                assertEquals(10, channel.size());
                ByteBuffer buffer = ByteBuffer.allocate(4);
                assertEquals(4, channel.read(buffer, 1).get(10, SECONDS));
                assertEquals("b234", new String(buffer.array(), US_ASCII));
                done.complete(runtime.isRuntimeThread());
              }));
      assertFalse(done.get(10, SECONDS), "a handler ran on the runtime's own thread");
    }
  }

  @Test
  @SuppressWarnings("try") // closed early on purpose
  void handlers_withAnExecutor_runThere() throws Exception {
    Path path = Files.writeString(dir.resolve("f"), "0123456789");
    CompletableFuture<Thread> executorThread = new CompletableFuture<>();
    try (ExecutorService executor =
            Executors.newSingleThreadExecutor(
                body -> {
                  Thread thread = new Thread(body);
                  executorThread.complete(thread);
                  return thread;
                });
        AsynchronousFileChannel channel = AnnulusAsynchronousFileChannel.open(runtime, path, Set.of(READ), executor)) {
      for (ByteBuffer buffer : List.of(ByteBuffer.allocate(3), ByteBuffer.allocate(0))) {
        CompletableFuture<Thread> handlerThread = new CompletableFuture<>();
        channel.read(buffer, 0, null, handler(new CompletableFuture<>(), (_, _) -> handlerThread.complete(Thread.currentThread())));
        assertEquals(executorThread.get(10, SECONDS), handlerThread.get(10, SECONDS));
      }
      channel.close();
      CompletableFuture<Integer> closed = new CompletableFuture<>();
      channel.read(ByteBuffer.allocate(3), 0, closed, new ToFuture<>());
      assertInstanceOf(
          ClosedChannelException.class, assertThrows(ExecutionException.class, () -> closed.get(10, SECONDS)).getCause());
      assertFalse(executor.isShutdown());
    }
  }

  @Test
  void handlers_whenTheExecutorRefuses_areCalledAllTheSame() throws Exception {
    Path path = Files.writeString(dir.resolve("f"), "0123456789");
    ExecutorService executor = Executors.newSingleThreadExecutor();
    executor.shutdown();
    try (AsynchronousFileChannel channel = AnnulusAsynchronousFileChannel.open(runtime, path, Set.of(READ), executor)) {
      CompletableFuture<Integer> count = new CompletableFuture<>();
      channel.read(ByteBuffer.allocate(3), 0, count, new ToFuture<>());
      assertEquals(3, count.get(10, SECONDS));
    }
  }

  @Test
  void chain_ofHandlers_copiesAFile() throws Exception {
    byte[] contents = new byte[300_000];
    new Random(3).nextBytes(contents);
    Path from = Files.write(dir.resolve("from"), contents);
    try (AsynchronousFileChannel source = AnnulusAsynchronousFileChannel.open(runtime, from, READ);
        AsynchronousFileChannel target = AnnulusAsynchronousFileChannel.open(runtime, dir.resolve("to"), CREATE, WRITE)) {
      CompletableFuture<Integer> copied = new CompletableFuture<>();
      new Copy(source, target, copied).next(0);
      assertEquals(contents.length, copied.get(30, SECONDS));
    }
    assertEquals(-1, Files.mismatch(from, dir.resolve("to")));
  }

  /** Reads and writes in turn, each begun by the handler of the one before. */
  private record Copy(AsynchronousFileChannel source, AsynchronousFileChannel target, CompletableFuture<Integer> end) {
    void next(int position) {
      ByteBuffer buffer = ByteBuffer.allocate(1 << 13);
      source.read(
          buffer,
          position,
          null,
          handler(
              end,
              (count, _) -> {
                if (count < 0) {
                  end.complete(position);
                  return;
                }
                target.write(buffer.flip(), position, null, handler(end, (written, _) -> next(position + written)));
              }));
    }
  }

  // ---- futures ----

  @Test
  void operations_manyAtOnce_eachMeetTheirOwnPlace() throws Exception {
    int count = 500;
    try (AsynchronousFileChannel channel =
        AnnulusAsynchronousFileChannel.open(runtime, dir.resolve("f"), CREATE, READ, WRITE)) {
      List<Future<Integer>> writes = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        writes.add(channel.write(ByteBuffer.allocateDirect(Long.BYTES).putLong(i).flip(), (long) i * Long.BYTES));
      }
      for (Future<Integer> write : writes) {
        assertEquals(Long.BYTES, write.get(10, SECONDS));
      }
      for (int i = count - 1; i >= 0; i--) {
        ByteBuffer buffer = i % 2 == 0 ? ByteBuffer.allocate(Long.BYTES) : ByteBuffer.allocateDirect(Long.BYTES);
        assertEquals(Long.BYTES, channel.read(buffer, (long) i * Long.BYTES).get(10, SECONDS));
        assertEquals(i, buffer.getLong(0));
      }
    }
  }

  @Test
  void future_thatIsCancelled_leavesTheChannelOpen() throws Exception {
    Path path = Files.write(dir.resolve("f"), new byte[1 << 20]);
    try (AsynchronousFileChannel channel = AnnulusAsynchronousFileChannel.open(runtime, path, READ)) {
      int cancelled = 0;
      for (int i = 0; i < 200; i++) {
        Future<Integer> read = channel.read(ByteBuffer.allocate(1 << 18), 0);
        if (read.cancel(true)) {
          cancelled++;
          assertTrue(read.isCancelled());
          assertThrows(CancellationException.class, () -> read.get(10, SECONDS));
        } else {
          assertEquals(1 << 18, read.get(10, SECONDS));
        }
      }
      assertTrue(channel.isOpen(), cancelled + " were cancelled");
      assertEquals(5, channel.read(ByteBuffer.allocate(5), 0).get(10, SECONDS));
    }
  }

  @Test
  void operations_startedOnTheRuntimesOwnThread_complete() throws Exception {
    Path path = Files.writeString(dir.resolve("f"), "0123456789");
    try (AsynchronousFileChannel channel = AnnulusAsynchronousFileChannel.open(runtime, path, READ, WRITE)) {
      Future<Integer> read = onRuntimeThread(() -> channel.read(ByteBuffer.allocate(4), 0));
      assertEquals(4, read.get(10, SECONDS));
      Throwable refusal =
          onRuntimeThread(() -> assertThrows(IllegalStateException.class, channel::size));
      assertTrue(String.valueOf(refusal.getMessage()).contains("wait for itself"), refusal::toString);
    }
  }

  // ---- the rest ----

  @Test
  void calls_withAnInterruptPending_completeAndLeaveTheChannelOpen() throws Exception {
    Path path = Files.writeString(dir.resolve("f"), "0123456789");
    try (AsynchronousFileChannel channel = AnnulusAsynchronousFileChannel.open(runtime, path, READ, WRITE)) {
      Thread.currentThread().interrupt();
      CompletableFuture<Integer> count = new CompletableFuture<>();
      channel.read(ByteBuffer.allocate(3), 0, count, new ToFuture<>());
      assertEquals(3, count.join());
      channel.force(true);
      assertEquals(10, channel.size());
      try (var lock = channel.tryLock()) {
        assertTrue(lock != null && lock.isValid());
      }
      assertTrue(channel.lock(0, 1, false).resultNow().isValid());
      assertTrue(Thread.interrupted());
      assertTrue(channel.isOpen());
    } finally {
      boolean _ = Thread.interrupted();
    }
  }

  @Test
  void close_withOperationsInFlight_letsThemEnd() throws Exception {
    Path path = dir.resolve("f");
    AsynchronousFileChannel channel = AnnulusAsynchronousFileChannel.open(runtime, path, CREATE, WRITE);
    List<Future<Integer>> writes = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      writes.add(channel.write(ByteBuffer.allocate(1000), i * 1000L));
    }
    channel.close();
    for (Future<Integer> write : writes) {
      assertEquals(1000, write.get(10, SECONDS));
    }
    assertEquals(100_000, Files.size(path));
  }

  @Test
  void close_ofTheRuntime_closesTheChannel() throws Exception {
    IoRuntime own = IoRuntime.builder().backend(backend()).open();
    Path path = Files.writeString(dir.resolve("f"), "x");
    AsynchronousFileChannel channel = AnnulusAsynchronousFileChannel.open(own, path, READ, WRITE);
    own.close();
    assertFalse(channel.isOpen());
    Future<Integer> read = channel.read(ByteBuffer.allocate(1), 0);
    assertInstanceOf(IOException.class, assertThrows(ExecutionException.class, () -> read.get(10, SECONDS)).getCause());
    assertThrows(ClosedChannelException.class, channel::size);
    channel.close();
  }

  @Test
  void attributes_ofAFileThatIsCreated_areItsOwn() throws Exception {
    Path path = dir.resolve("f");
    var mine = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    AnnulusAsynchronousFileChannel.open(runtime, path, Set.of(CREATE, WRITE), null, mine).close();
    assertEquals(mine.value(), Files.getPosixFilePermissions(path));
    try (FileChannel jdk = FileChannel.open(path, READ)) {
      assertEquals(0, jdk.size());
    }
  }

  /** What to do with a result. */
  private interface Step<A> {
    void with(int count, A attachment) throws Exception;
  }

  /** Fails {@code end} if the operation or the step fails. */
  private static <A> CompletionHandler<Integer, A> handler(CompletableFuture<?> end, Step<A> step) {
    return new CompletionHandler<>() {
      @Override
      public void completed(Integer count, A attachment) {
        try {
          step.with(count, attachment);
        } catch (Throwable e) {
          end.completeExceptionally(e);
        }
      }

      @Override
      public void failed(Throwable failure, A attachment) {
        end.completeExceptionally(failure);
      }
    };
  }
}
