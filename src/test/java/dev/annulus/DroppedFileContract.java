package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.adapter.nio.AnnulusFileChannel;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import dev.annulus.testing.CapturedLog;
import dev.annulus.testing.ChildJvm;
import java.lang.ref.WeakReference;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A file that nobody closes and nobody has any more is closed, and the log says so. */
abstract class DroppedFileContract extends BackendContract {
  @SuppressWarnings("NullAway.Init") // capture
  private CapturedLog log;

  @BeforeEach
  final void capture() {
    log = new CapturedLog();
  }

  @AfterEach
  final void release() {
    log.close();
  }

  /** Opens something, and has it dropped when it returns. */
  interface Opening {
    Object open() throws Exception;
  }

  private static void dropped(Opening opening) throws Exception {
    Object opened = opening.open();
    assertTrue(opened != null);
  }

  /** Has all garbage collected that there is now. */
  private static void collect() {
    WeakReference<Object> garbage = new WeakReference<>(new Object());
    Awaitility.await()
        .until(
            () -> {
              System.gc();
              return garbage.get() == null;
            });
  }

  private void assertClosedAndTold(Path path) {
    Awaitility.await()
        .untilAsserted(
            () -> {
              System.gc();
              assertEquals(0, Processes.descriptorsOf(path));
            });
    Awaitility.await().until(() -> !log.messagesWith(path.toString(), "dropped without being closed").isEmpty());
    assertEquals(1, log.messagesWith(path.toString()).size(), () -> log.messages().toString());
  }

  @Test
  void file_dropped_isClosedAndTold() throws Exception {
    Path path = file(bytes(10, 1));
    dropped(() -> get(runtime.openFile(path, READ)));
    assertClosedAndTold(path);
    assertTrue(log.messages().getFirst().contains("dev.annulus.trackOpens"), () -> log.messages().toString());
  }

  @Test
  void channel_dropped_isClosedAndTold() throws Exception {
    Path path = file(bytes(10, 1));
    dropped(
        () -> {
          FileChannel channel = AnnulusFileChannel.open(runtime, path, READ);
          assertEquals(10, channel.read(direct(10), 0));
          return channel;
        });
    assertClosedAndTold(path);
  }

  @Test
  void facadesFile_dropped_isClosedAndTold() throws Exception {
    Path path = file(bytes(10, 1));
    dropped(() -> Fs.on(runtime).open(path, FsOpenOptions.reading()));
    assertClosedAndTold(path);
  }

  @Test
  void file_ofWhichAViewIsInUse_staysOpen() throws Exception {
    Path path = file(bytes(10, 1));
    AsyncFile view = get(runtime.openFile(path, READ)).callerRuns();
    collect();
    collect();
    assertEquals(10, get(view.read(direct(10), 0)));
    assertEquals(1, Processes.descriptorsOf(path));
    view.close();
    assertEquals(List.of(), log.messagesWith(dir.toString()));
  }

  @Test
  void facadesFile_inUse_staysOpen() throws Exception {
    Path path = file(bytes(10, 1));
    try (FsFile file = Fs.on(runtime).open(path, FsOpenOptions.reading())) {
      collect();
      assertEquals(10, file.readAt(direct(10), 0));
    }
    assertEquals(List.of(), log.messagesWith(dir.toString()));
  }

  @Test
  void file_droppedWithAnOperationInFlight_isClosedWhenThatHasEnded() throws Exception {
    Path fifo = fifo();
    IoFuture<Integer> read = get(runtime.openFile(fifo, READ, WRITE)).read(direct(8), 0);
    Awaitility.await().until(() -> runtime.stats().inFlight() == 1);
    Awaitility.await()
        .until(
            () -> {
              System.gc();
              return !log.messagesWith(fifo.toString()).isEmpty();
            });
    assertTrue(Processes.descriptorsOf(fifo) > 0, "closed under an operation");
    feed(fifo, bytes(8, 1));
    assertEquals(8, get(read));
    assertClosedAndTold(fifo);
  }

  /** What users give to a runtime may refer to its files: these must not keep it, and so themselves, for ever. */
  @Test
  void runtime_closedWithAFileThatItsExecutorRefersTo_isCollected() throws Exception {
    Path path = file(bytes(10, 1));
    Awaitility.await()
        .until(
            closedWithAFileOpen(path),
            executor -> {
              System.gc();
              return executor.get() == null;
            });
  }

  /** A thread of its own: no frame of the test's keeps anything. */
  private Callable<WeakReference<Object>> closedWithAFileOpen(Path path) throws Exception {
    CompletableFuture<WeakReference<Object>> kept = new CompletableFuture<>();
    Thread user =
        Thread.ofPlatform()
            .start(
                () -> {
                  KeepingExecutor executor = new KeepingExecutor();
                  try (IoRuntime closed = IoRuntime.builder().backend(backend()).completionExecutor(executor).open()) {
                    executor.file = get(closed.openFile(path, READ));
                  } catch (Exception e) {
                    kept.completeExceptionally(e);
                  }
                  kept.complete(new WeakReference<>(executor));
                });
    WeakReference<Object> reference = kept.get(10, TimeUnit.SECONDS);
    user.join();
    return () -> reference;
  }

  private static final class KeepingExecutor implements Executor {
    @SuppressWarnings("unused") // keeps it
    private volatile @Nullable AsyncFile file;

    @Override
    public void execute(Runnable task) {
      task.run();
    }
  }

  @Test
  void file_closed_isNotTold() throws Exception {
    Path path = file(bytes(10, 1));
    dropped(
        () -> {
          AsyncFile file = get(runtime.openFile(path, READ));
          file.close();
          return file;
        });
    dropped(
        () -> {
          AsyncFile file = get(runtime.openFile(path, READ));
          get(file.closeAsync());
          return file;
        });
    collect();
    collect();
    assertEquals(List.of(), log.messagesWith(dir.toString()));
  }

  @Test
  void file_droppedWhileOpensAreTracked_isToldWithTheStackOfItsOpening() throws Exception {
    Path path = file(bytes(10, 1));
    ChildJvm.Result result =
        ChildJvm.withOptions(
                java.util.List.of("-Ddev.annulus.trackOpens=true"), Drops.class, backend().name(), path.toString())
            .run(60);
    assertEquals(0, result.exitCode(), result.output());
    assertTrue(result.output().contains("Drops.openAndDrop"), result.output());
  }

  /** Opens a file and drops it. */
  static final class Drops {
    private Drops() {}

    public static void main(String[] args) throws Exception {
      try (IoRuntime runtime = IoRuntime.builder().backend(Backend.valueOf(args[0])).open()) {
        Path path = Path.of(args[1]);
        openAndDrop(runtime, path);
        Awaitility.await()
            .until(
                () -> {
                  System.gc();
                  return Processes.descriptorsOf(path) == 0;
                });
      }
    }

    private static void openAndDrop(IoRuntime runtime, Path path) throws Exception {
      AsyncFile file = get(runtime.openFile(path, READ));
      assertTrue(file.isOpen());
    }
  }
}
