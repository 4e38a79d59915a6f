package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.FileModel.Change;
import dev.annulus.Running.Access;
import dev.annulus.internal.driver.Errno;
import dev.annulus.sim.Quirk;
import dev.annulus.sim.SimulatedFile;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The files of a {@link SimulatedProgram}: which it has open, and what each must hold. */
final class ProgramFiles {
  private static final List<String> PATHS = List.of("/sim/a", "/sim/b");
  private static final int MOST_HANDLES = 4;

  /** A file the program has open. */
  static final class Handle {
    final AsyncFile file;
    final FileModel model;
    final boolean reads;
    final boolean writes;
    final boolean appends;
    final long opened;

    /** Whether a sync on it has been answered with a loss: none may succeed from then on. */
    boolean syncLost;

    boolean closed;

    Handle(AsyncFile file, FileModel model, Set<OpenOption> options, long opened) {
      this.file = file;
      this.model = model;
      appends = options.contains(StandardOpenOption.APPEND);
      writes = appends || options.contains(StandardOpenOption.WRITE);
      reads = options.contains(StandardOpenOption.READ);
      this.opened = opened;
    }

    boolean allows(boolean reading, boolean writing) {
      return (reads || !reading) && (writes || !writing);
    }
  }

  private final SimulatedProgram program;
  private final SplittableRandom random;
  private final Map<String, FileModel> models = new TreeMap<>();
  private final List<Handle> handles = new ArrayList<>();
  private final List<CompletableFuture<Void>> closings = new ArrayList<>();
  private final Map<Running, Handle> syncs = new HashMap<>();

  ProgramFiles(SimulatedProgram program) {
    this.program = program;
    this.random = program.random;
  }

  // ---- opening and closing ----

  /** A file that is open for this, or is now opened; {@code null} if that fails. */
  @Nullable Handle handle(boolean reads, boolean writes) {
    List<Handle> fit = handles.stream().filter(handle -> handle.allows(reads, writes)).toList();
    if (!fit.isEmpty()) {
      return fit.get(random.nextInt(fit.size()));
    }
    Handle opened = handles.size() < MOST_HANDLES ? open() : null;
    return opened != null && opened.allows(reads, writes) ? opened : null;
  }

  void openOrClose() {
    if (handles.size() >= MOST_HANDLES || (!handles.isEmpty() && random.nextBoolean())) {
      close(handles.remove(random.nextInt(handles.size())));
    } else {
      Handle ignored = open();
    }
  }

  /** Opens a file and waits for it; {@code null} if that fails, or in a callback. */
  private @Nullable Handle open() {
    Set<OpenOption> options = options();
    String path = PATHS.get(random.nextInt(PATHS.size()));
    FileModel known = models.get(path);
    boolean truncates = options.contains(StandardOpenOption.TRUNCATE_EXISTING);
    if (program.isInCallback() || (known != null && truncates && program.clear(() -> Access.resizing(known, 0)) == null)) {
      return null;
    }
    FileModel file = known == null ? new FileModel(path) : known;
    Change change = truncates ? file.beginResize(0, program.now()) : null;
    Access access = truncates ? Access.resizing(file, 0) : Access.NONE;
    AtomicReference<@Nullable Handle> opened = new AtomicReference<>();
    boolean full = program.queueIsFull();
    Running operation =
        program.start(
            "open of " + path + " " + options,
            program.runtime.openFile(Path.of(path), options),
            access,
            full,
            over -> opened.set(checkOpen(over, options, file, known != null, change)));
    if (random.nextInt(8) == 0) {
      program.giveUp(operation);
    }
    program.await(operation::isOver, () -> operation + " to end");
    Handle handle = opened.get();
    if (handle != null) {
      handles.add(handle);
    }
    return handle;
  }

  private @Nullable Handle checkOpen(
      Running operation, Set<OpenOption> options, FileModel file, boolean existed, @Nullable Change change) {
    boolean exists = program.disk.file(file.path) != null;
    if (exists) {
      models.put(file.path, file);
    }
    if (operation.succeeded()) {
      if (change != null) {
        file.resized(change, 0, program.now());
      }
      assertTrue(exists, "opened what is not there");
      return new Handle((AsyncFile) Objects.requireNonNull(operation.value), file, options, program.now());
    }
    if (change != null) {
      file.failed(change, program.cached(file.path), program.now());
    }
    boolean creates = options.contains(StandardOpenOption.CREATE) || options.contains(StandardOpenOption.CREATE_NEW);
    switch (operation.failure) {
      case NoSuchFileException _ -> assertFalse(existed || creates, "not found");
      case FileAlreadyExistsException _ ->
          assertTrue(existed && options.contains(StandardOpenOption.CREATE_NEW), "already exists");
      case null, default -> program.checkFailure(operation);
    }
    return null;
  }

  private Set<OpenOption> options() {
    Set<OpenOption> options = new HashSet<>();
    boolean append = random.nextInt(4) == 0;
    options.add(append ? StandardOpenOption.APPEND : StandardOpenOption.WRITE);
    if (random.nextInt(4) != 0) {
      options.add(StandardOpenOption.READ);
    }
    if (random.nextInt(8) != 0) {
      options.add(random.nextInt(8) == 0 ? StandardOpenOption.CREATE_NEW : StandardOpenOption.CREATE);
    }
    if (!append && random.nextInt(6) == 0) {
      options.add(StandardOpenOption.TRUNCATE_EXISTING);
    }
    return options;
  }

  /** Closes a file, perhaps under operations that still run: they must not notice. */
  private void close(Handle handle) {
    handle.closed = true;
    closings.add(handle.file.closeAsync());
    assertThrows(IllegalStateException.class, () -> handle.file.sync(Sync.ALL), "a closed file takes operations");
  }

  /** Closes everything, and waits. */
  void closeAll() {
    handles.forEach(this::close);
    handles.clear();
    for (CompletableFuture<Void> closing : closings) {
      program.await(closing::isDone, () -> "a file to close");
      if (closing.isCompletedExceptionally()) {
        assertEquals(Errno.EINTR, SimulatedProgram.errno(closing.exceptionNow()), "close failed");
        assertTrue(program.quirks.seen(Quirk.CLOSE_INTERRUPTED) > 0, "close failed for no reason");
      }
    }
  }

  /** Closes a file nobody will use any more. */
  void closeLater(AsyncFile file) {
    closings.add(file.closeAsync());
  }

  // ---- syncs ----

  /** Takes note of a sync that was started. */
  void noteSync(Running sync, Handle handle) {
    syncs.put(sync, handle);
    ended(sync);
  }

  /** A future has ended, just now: tells syncs that lost data, in the order in which they end. */
  void ended(Running operation) {
    Throwable failure = operation.failure;
    Handle handle = syncs.get(operation);
    if (handle != null && !operation.givenUp && failure instanceof ErrnoException e && e.operation().endsWith("sync")) {
      handle.syncLost |= e.errno() == Errno.EIO;
    }
  }

  // ---- checks of everything ----

  /** Lets every file crash, without harm to the program. */
  void checkCrash() {
    for (FileModel model : models.values()) {
      synchronized (program.disk) {
        SimulatedFile file = Objects.requireNonNull(program.disk.file(model.path));
        model.checkAfterCrash(file.afterWorstCrash());
        model.checkAfterCrash(file.afterCrash(random));
      }
    }
  }

  /** With nothing in flight, the files are as the models say, before and after a crash. */
  void checkAll() {
    checkCrash();
    for (FileModel model : models.values()) {
      byte[] cached = program.cached(model.path);
      assertEquals(model.size, cached.length, () -> "length of " + model.path);
      model.check(cached, 0, model.size);
    }
  }
}
