package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import dev.annulus.FileModel.Change;
import dev.annulus.ProgramFiles.Handle;
import dev.annulus.Running.Access;
import dev.annulus.internal.driver.Errno;
import dev.annulus.sim.SimulatedDisk;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The steps a {@link SimulatedProgram} is made of. */
final class ProgramSteps {
  private final SimulatedProgram program;
  private final SplittableRandom random;
  private final ProgramFiles files;
  private final ProgramArguments arguments;
  private final ProgramTransfers transfers;

  ProgramSteps(SimulatedProgram program, ProgramFiles files, NativePool pool) {
    this.program = program;
    this.random = program.random;
    this.files = files;
    arguments = new ProgramArguments(random, pool);
    transfers = new ProgramTransfers(program, files, arguments);
  }

  /** One random step; in a callback it may come to nothing. */
  void step() {
    switch (random.nextInt(22)) {
      case 0, 1, 2 -> transfers.read(false);
      case 3, 4 -> transfers.read(true);
      case 5 -> transfers.scatter();
      case 6, 7, 8 -> transfers.write(false);
      case 9, 10 -> transfers.write(true);
      case 11 -> transfers.gather();
      case 12, 13 -> transfers.writeDurably();
      case 14 -> sync();
      case 15 -> resize();
      case 16 -> size();
      case 17, 18 -> program.giveUpOne();
      case 19 -> files.checkCrash();
      case 20 -> files.openOrClose();
      default -> rare();
    }
  }

  private void sync() {
    Handle handle = files.handle(false, false);
    if (handle == null) {
      return;
    }
    boolean full = program.queueIsFull();
    boolean lost = handle.syncLost;
    Running started =
        program.start(
            "sync of " + handle.model.path,
            handle.file.sync(random.nextBoolean() ? Sync.ALL : Sync.DATA),
            Access.NONE,
            full,
            operation -> {
              if (operation.succeeded()) {
                assertFalse(lost, "synced after a sync that lost data");
                handle.model.synced(operation.began, handle.opened);
              } else if (operation.givenUp || !program.wasRefused(operation)) {
                program.checkFailure(operation);
                handle.model.maybeLost();
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
    int position = arguments.position();
    int wanted = allocates ? position + length : position;
    Access access = program.clear(() -> Access.resizing(file, Math.min(wanted, file.size)));
    if (access == null || handle.closed) {
      return;
    }
    int newSize = allocates ? Math.max(file.size, wanted) : wanted;
    Change change = file.beginResize(newSize, program.now());
    boolean full = program.queueIsFull();
    Running started =
        program.start(
            (allocates ? "allocate to " : "truncate to ") + newSize + " of " + file.path,
            allocates ? handle.file.allocate(position, length) : handle.file.truncate(newSize),
            access,
            full,
            operation -> {
              if (operation.succeeded()) {
                file.resized(change, newSize, program.now());
                assertEquals(newSize, program.cached(file.path).length, "length");
              } else {
                program.checkFailure(operation);
                file.failed(change, program.cached(file.path), program.now());
              }
            });
    assertNotNull(started);
  }

  private void size() {
    Handle handle = files.handle(false, false);
    Access access = handle == null ? null : program.clear(() -> Access.size(handle.model));
    if (handle == null || access == null || handle.closed) {
      return;
    }
    boolean full = program.queueIsFull();
    Running started =
        program.start(
            "size of " + handle.model.path,
            handle.file.size(),
            access,
            full,
            operation -> {
              if (operation.succeeded()) {
                assertEquals((long) handle.model.size, operation.value);
              } else {
                program.checkFailure(operation);
              }
            });
    assertNotNull(started);
  }

  private void rare() {
    int choice = random.nextInt(4);
    if (choice == 0) {
      readOf(SimulatedDisk.HUNG);
    } else if (choice == 1) {
      readOf(SimulatedDisk.STUBBORN);
    } else {
      boolean full = program.queueIsFull();
      Running nop = program.start("nop", program.runtime.nop(), Access.NONE, full, program::checkFailure);
      assertNotNull(nop);
    }
  }

  /** A read that only a cancellation ends, or that is retried in vain. */
  private void readOf(String path) {
    if (program.isInCallback()) {
      return;
    }
    AtomicReference<@Nullable AsyncFile> opened = new AtomicReference<>();
    boolean full = program.queueIsFull();
    Running open =
        program.start(
            "open of " + path,
            program.runtime.openFile(Path.of(path)),
            Access.NONE,
            full,
            over -> {
              program.checkFailure(over);
              opened.set((AsyncFile) over.value);
            });
    program.await(open::isOver, () -> open + " to end");
    AsyncFile file = opened.get();
    if (file == null) {
      return;
    }
    boolean readFull = program.queueIsFull();
    boolean stubborn = path.equals(SimulatedDisk.STUBBORN);
    Running read =
        program.start(
            "read of " + path,
            file.read(ByteBuffer.allocateDirect(8), 0),
            Access.NONE,
            readFull,
            over -> {
              assertFalse(over.succeeded(), "ended well");
              if (!stubborn || SimulatedProgram.errno(Objects.requireNonNull(over.failure)) != Errno.EAGAIN) {
                program.checkFailure(over);
              }
            });
    read.hung = !stubborn;
    files.closeLater(file);
  }
}
