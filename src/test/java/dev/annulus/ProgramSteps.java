package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.FileModel.Change;
import dev.annulus.ProgramFiles.Handle;
import dev.annulus.Running.Access;
import dev.annulus.SimulatedMachine.Instance;
import dev.annulus.internal.driver.Errno;
import dev.annulus.sim.SimulatedDisk;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The steps a {@link SimulatedProgram} is made of. */
final class ProgramSteps {
  /** Kinds of steps that are left out, by name: to see whether a failure needs them. */
  static final List<String> LEFT_OUT = Pattern.compile(",").splitAsStream(System.getProperty("annulus.sim.without", "")).toList();

  private static final boolean NO_TRIES = LEFT_OUT.contains("TRIES");
  private static final boolean NO_PATHS = LEFT_OUT.contains("PATHS");

  private final SimulatedProgram program;
  private final SplittableRandom random;
  private final ProgramFiles files;
  private final ProgramArguments arguments;
  private final ProgramReads reads;
  private final ProgramWrites writes;
  private final ProgramTries tries;
  private final ProgramPaths paths;

  ProgramSteps(SimulatedProgram program, ProgramFiles files, NativePool pool) {
    this.program = program;
    this.random = program.random;
    this.files = files;
    arguments = new ProgramArguments(random, pool);
    reads = new ProgramReads(program, files, arguments);
    writes = new ProgramWrites(program, files, arguments);
    tries = new ProgramTries(program, files, arguments);
    paths = new ProgramPaths(program, files.names);
  }

  /** One random step; in a callback it may come to nothing. */
  void step() {
    switch (random.nextInt(28)) {
      case 0, 1, 2 -> reads.read(false);
      case 3, 4 -> reads.read(true);
      case 5 -> reads.scatter();
      case 6, 7, 8 -> writes.write(false);
      case 9, 10 -> writes.write(true);
      case 11 -> writes.gather();
      case 12, 13 -> writes.writeDurably();
      case 14, 15 -> sync();
      case 16 -> resize();
      case 17 -> size();
      case 18, 19 -> program.giveUpOne();
      case 20 -> files.checkCrash();
      case 21 -> files.openOrClose();
      case 22 -> reads.batch();
      case 23, 24 -> tryOne();
      case 25, 26 -> pathOrNone();
      default -> rare();
    }
  }

  private void tryOne() {
    if (!NO_TRIES) {
      tries.any();
    }
  }

  private void pathOrNone() {
    if (!NO_PATHS) {
      paths.any();
    }
  }

  private void sync() {
    Handle handle = files.handle(false, false);
    if (handle == null) {
      return;
    }
    boolean full = handle.instance.queueIsFull(1);
    boolean lost = handle.syncLost;
    Losses.Event event = handle.model.losses.begin(program.now());
    Running started =
        program.start(
            "sync of " + handle.model.name,
            () -> handle.file(random).sync(random.nextBoolean() ? Sync.ALL : Sync.DATA),
            Access.NONE,
            full,
            operation -> {
              if (operation.succeeded()) {
                assertFalse(lost, "synced after a sync that lost data");
                handle.model.losses.harmless(event);
                handle.model.synced(operation.began, handle.opened, null);
              } else {
                program.verdicts.checkFailure(operation);
                handle.model.losses.failed(event, program.now());
              }
            });
    files.noteSync(started, handle);
  }

  private void resize() {
    Handle handle = files.handle(false, true);
    if (handle == null) {
      return;
    }
    FileModel file = handle.model;
    boolean allocates = random.nextBoolean();
    int length = 1 + random.nextInt(ProgramArguments.LONGEST);
    long position = arguments.position();
    long wanted = allocates ? position + length : position;
    Access access = program.clear(() -> Access.resizing(file, Math.min(wanted, file.size())));
    if (access == null || handle.closed) {
      return;
    }
    long newSize = allocates ? Math.max(file.size(), wanted) : wanted;
    Change change = file.beginResize(newSize, handle, program.now());
    boolean full = handle.instance.queueIsFull(1);
    AsyncFile on = handle.file(random);
    Running ignored =
        program.start(
            (allocates ? "allocate to " : "truncate to ") + newSize + " of " + file.name,
            () -> allocates ? on.allocate(position, length) : on.truncate(newSize),
            access,
            full,
            operation -> {
              if (operation.succeeded()) {
                file.resized(change, newSize, program.now());
                assertEquals(newSize, file.file.cached().size(), "length");
              } else {
                program.verdicts.checkFailure(operation);
                file.failed(change, program.now());
              }
            });
  }

  private void size() {
    Handle handle = files.handle(false, false);
    Access access = handle == null ? null : program.clear(() -> Access.size(handle.model));
    if (handle == null || access == null || handle.closed) {
      return;
    }
    boolean full = handle.instance.queueIsFull(1);
    Running ignored =
        program.start(
            "size of " + handle.model.name,
            () -> handle.file(random).size(),
            access,
            full,
            operation -> {
              if (operation.succeeded()) {
                assertEquals(handle.model.size(), operation.value);
              } else {
                program.verdicts.checkFailure(operation);
              }
            });
  }

  private void rare() {
    int choice = random.nextInt(5);
    if (choice == 0) {
      readOf(SimulatedDisk.HUNG);
    } else if (choice == 1) {
      readOf(SimulatedDisk.STUBBORN);
    } else if (choice == 2) {
      lock();
    } else {
      Instance instance = program.machine().any();
      boolean full = instance.queueIsFull(1);
      Running ignored = program.start("nop", instance.runtime::nop, Access.NONE, full, program.verdicts::checkFailure);
    }
  }

  private void lock() {
    Handle handle = program.isInCallback() ? null : files.handle(false, false);
    if (handle == null) {
      return;
    }
    boolean full = handle.instance.queueIsFull(1);
    FileModel file = handle.model;
    // Of two at a time nobody knows which comes first.
    file.lockUnknown |= file.locksUnderWay++ > 0;
    Running ignored =
        program.start(
            "lock of " + file.name,
            () -> handle.file(random).tryLockExclusive(),
            Access.NONE,
            full,
            operation -> {
              file.locksUnderWay--;
              if (!operation.succeeded()) {
                program.verdicts.checkFailure(operation);
                file.lockUnknown |= file.lockOwner == null;
              } else if (Objects.equals(operation.value, true)) {
                assertTrue(file.lockOwner == null || file.lockOwner == handle || file.lockUnknown, "locked twice");
                file.lockOwner = handle;
                // Closed by a callback meanwhile, it gives the lock back some time.
                file.lockUnknown |= handle.closed;
              } else {
                assertTrue(file.lockUnknown || (file.lockOwner != null && file.lockOwner != handle), "not locked");
              }
            });
  }

  /** A read that only a cancellation ends, or that is retried in vain. */
  private void readOf(String name) {
    if (program.isInCallback()) {
      return;
    }
    Instance instance = program.machine().any();
    AtomicReference<@Nullable AsyncFile> opened = new AtomicReference<>();
    boolean full = instance.queueIsFull(1);
    Running open =
        program.start(
            "open of " + name,
            () -> instance.runtime.openFile(Path.of(program.disk().mount(), name)),
            Access.NONE,
            full,
            over -> {
              program.verdicts.checkFailure(over);
              opened.set((AsyncFile) over.value);
            });
    program.await(open::isOver, () -> open + " to end");
    AsyncFile file = opened.get();
    if (file == null) {
      return;
    }
    boolean readFull = instance.queueIsFull(1);
    boolean stubborn = name.equals(SimulatedDisk.STUBBORN);
    Running read =
        program.start(
            "read of " + name,
            () -> file.read(ByteBuffer.allocateDirect(8), 0),
            Access.NONE,
            readFull,
            over -> {
              if (!stubborn || ProgramVerdicts.errno(Objects.requireNonNull(over.failure)) != Errno.EAGAIN) {
                program.verdicts.checkFailure(over);
              }
            });
    read.hung = !stubborn;
    files.closeLater(file);
  }
}
