package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.FileModel.Change;
import dev.annulus.Running.Access;
import dev.annulus.Running.Name;
import dev.annulus.SimulatedMachine.Instance;
import dev.annulus.internal.driver.Errno;
import dev.annulus.sim.SimulatedDisk;
import dev.annulus.sim.SimulatedNode;
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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The files a {@link SimulatedProgram} has open. */
final class ProgramFiles {
  private static final int MOST_HANDLES = 4;

  /** A file the program has open. */
  static final class Handle {
    final FileModel model;
    final Instance instance;
    final boolean reads;
    final boolean writes;
    final boolean appends;
    final boolean syncsEachWrite;
    final long opened;
    private final AsyncFile file;
    private final AsyncFile callers;

    /** Whether a loss was told through it: no sync of it may succeed from then on. */
    boolean syncLost;

    boolean closed;

    Handle(AsyncFile file, FileModel model, Instance instance, Set<OpenOption> options, long opened) {
      this.file = file;
      this.callers = file.callerRuns();
      this.model = model;
      this.instance = instance;
      appends = options.contains(StandardOpenOption.APPEND);
      writes = appends || options.contains(StandardOpenOption.WRITE);
      reads = options.contains(StandardOpenOption.READ);
      syncsEachWrite = options.contains(StandardOpenOption.DSYNC) || options.contains(StandardOpenOption.SYNC);
      this.opened = opened;
    }

    boolean allows(boolean reading, boolean writing) {
      return (reads || !reading) && (writes || !writing);
    }

    /** The file, which sometimes runs operations on the thread that asks. */
    AsyncFile file(SplittableRandom random) {
      return random.nextInt(3) == 0 ? callers : file;
    }
  }

  private final SimulatedProgram program;
  private final SplittableRandom random;
  private final List<Handle> handles = new ArrayList<>();
  private final List<CompletableFuture<Void>> closings = new ArrayList<>();
  private final Map<Running, Handle> syncs = new HashMap<>();
  final ProgramNames names;

  ProgramFiles(SimulatedProgram program) {
    this.program = program;
    this.random = program.random;
    names = new ProgramNames(program);
  }

  // ---- opening and closing ----

  /** A file that is open for this, or is now opened; {@code null} if that fails. */
  @Nullable Handle handle(boolean reads, boolean writes) {
    List<Handle> fit = new ArrayList<>();
    for (Handle handle : handles) {
      if (handle.allows(reads, writes)) {
        fit.add(handle);
      }
    }
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
    if (program.isInCallback()) {
      return null;
    }
    Set<OpenOption> options = options();
    String path = names.anyFile();
    boolean truncates = options.contains(StandardOpenOption.TRUNCATE_EXISTING);
    boolean creates = options.contains(StandardOpenOption.CREATE) || options.contains(StandardOpenOption.CREATE_NEW);
    Access access =
        program.clear(
            () -> {
              FileModel known = names.file(path);
              Access content = known != null && truncates ? Access.resizing(known, 0) : Access.NONE;
              return content.and(new Name(path, known == null && creates));
            });
    if (access == null) {
      return null;
    }
    FileModel known = names.file(path);
    Change change = known != null && truncates ? known.beginResize(0, null, program.now()) : null;
    AtomicReference<@Nullable Handle> opened = new AtomicReference<>();
    Instance instance = program.machine().any();
    Running operation =
        program.start(
            "open of " + path + " " + options,
            () -> instance.runtime.openFile(Path.of(path), options),
            access,
            instance.queueIsFull(1),
            over -> opened.set(checkOpen(over, instance, options, path, known, change)));
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
      Running operation,
      Instance instance,
      Set<OpenOption> options,
      String path,
      @Nullable FileModel known,
      @Nullable Change change) {
    boolean creates = options.contains(StandardOpenOption.CREATE) || options.contains(StandardOpenOption.CREATE_NEW);
    if (known == null && creates) {
      names.lookAt(path, operation.began);
    }
    FileModel file = names.file(path);
    if (operation.succeeded()) {
      FileModel there = Objects.requireNonNull(file, "opened what is not there");
      if (change != null) {
        there.resized(change, 0, program.now());
      }
      return new Handle((AsyncFile) Objects.requireNonNull(operation.value), there, instance, options, program.now());
    }
    if (change != null) {
      Objects.requireNonNull(known).failed(change, program.now());
    }
    if (operation.givenUp && file != null) {
      // A descriptor that comes late is closed some time, and that close may lose what was written.
      Losses.Event ignored = file.losses.begin(operation.began);
    }
    switch (operation.failure) {
      case NoSuchFileException _ ->
          assertTrue(known == null && (!creates || !names.hasParent(path)), "not found");
      case FileAlreadyExistsException _ ->
          assertTrue(known != null && options.contains(StandardOpenOption.CREATE_NEW), "already exists");
      case null, default -> program.verdicts.checkFailure(operation);
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
    if (random.nextInt(5) == 0 && !ProgramSteps.LEFT_OUT.contains("DSYNC")) {
      options.add(random.nextBoolean() ? StandardOpenOption.DSYNC : StandardOpenOption.SYNC);
    }
    return options;
  }

  /** Closes a file, perhaps under operations that still run: they must not notice. */
  private void close(Handle handle) {
    handle.closed = true;
    FileModel file = handle.model;
    boolean locked = file.lockOwner == handle;
    file.lockUnknown |= locked;
    Losses.Event event = file.losses.begin(program.now());
    CompletableFuture<Void> closing = program.errors.call(handle.file::closeAsync, _ -> handle.file.closeAsync());
    closings.add(closing);
    CompletableFuture<?> ignored =
        closing.whenComplete(
            (_, failure) -> {
              if (failure == null) {
                file.losses.harmless(event);
              } else {
                file.losses.failed(event, program.now());
              }
            });
    assertThrows(IllegalStateException.class, () -> handle.file.sync(Sync.ALL), "a closed file takes operations");
  }

  /** Closes everything, and waits. */
  void closeAll() {
    handles.forEach(this::close);
    handles.clear();
    for (CompletableFuture<Void> closing : closings) {
      program.await(closing::isDone, () -> "a file to close");
      if (closing.isCompletedExceptionally()) {
        program.verdicts.checkFailure(closing.exceptionNow());
      }
    }
  }

  /** Closes a file nobody will use any more. */
  void closeLater(AsyncFile file) {
    closings.add(file.closeAsync());
  }

  // ---- syncs ----

  /** Takes note of a sync that was started, or of what has one in it. */
  void noteSync(Running sync, Handle handle) {
    syncs.put(sync, handle);
    ended(sync);
  }

  /** A future has ended, just now: notes losses that are told, in the order in which they end. */
  void ended(Running operation) {
    Handle handle = syncs.get(operation);
    if (handle != null && !operation.givenUp && operation.failure instanceof ErrnoException e) {
      // Cancelled by the end of the runtime, it was perhaps never begun.
      boolean unknown = program.isEnding() && e.errno() == Errno.ECANCELED;
      boolean sync = e.operation().endsWith("sync") || (handle.syncsEachWrite && e.operation().startsWith("write"));
      handle.syncLost |= sync && !unknown;
    }
  }

  // ---- crashes, and checks of everything ----

  /** Lets every file crash, without harm to the program. */
  void checkCrash() {
    synchronized (program.disk()) {
      names.checkCrash(random);
    }
  }

  /** With nothing in flight, the files are as the models say, before and after a crash. */
  void checkAll() {
    checkCrash();
    synchronized (program.disk()) {
      names.checkAll();
    }
  }

  /** The machine comes up again, with what is left. */
  void rebooted(SimulatedDisk left, Map<SimulatedNode, SimulatedNode> successors) {
    assertFalse(left.openDescriptors() > 0);
    handles.clear();
    closings.clear();
    syncs.clear();
    names.rebooted(left, successors);
  }
}
