package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.FileModel.Change;
import dev.annulus.ProgramFiles.Handle;
import dev.annulus.Running.Access;
import dev.annulus.sim.Quirk;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;

/** The transfers without a future of a {@link SimulatedProgram}, and what each may come to. */
final class ProgramTries {
  /** What is answered where an error of the JVM came instead. */
  private static final int CUT = Integer.MIN_VALUE;

  private final SimulatedProgram program;
  private final ProgramFiles files;
  private final ProgramArguments arguments;

  ProgramTries(SimulatedProgram program, ProgramFiles files, ProgramArguments arguments) {
    this.program = program;
    this.files = files;
    this.arguments = arguments;
  }

  void any() {
    if (program.random.nextBoolean()) {
      read();
    } else {
      write();
    }
  }

  private void read() {
    Handle handle = files.handle(true, false);
    long at = arguments.position();
    Payload into = arguments.buffers().getFirst();
    if (handle == null) {
      return;
    }
    Access access = program.clear(() -> Access.reading(handle.model, at, at + into.length()));
    if (access == null || handle.closed) {
      return;
    }
    program.didOne("try to read " + into.length() + " at " + at + " of " + handle.model.name);
    synchronized (program.disk()) {
      int count;
      try {
        AsyncFile file = handle.file(program.random);
        count = program.errors.call(() -> file.tryRead(buffer(into), at), _ -> CUT);
      } catch (RuntimeException e) {
        program.verdicts.checkFailure(e);
        count = AsyncFile.NOT_NOW;
      }
      if (count == CUT) {
        into.checkGuards();
        return;
      }
      if (count == AsyncFile.NOT_NOW) {
        into.check(0);
      } else {
        ProgramReads.checkCount(program, handle.model, List.of(into), at, count, Quirk.NOT_CACHED);
      }
    }
  }

  private void write() {
    Payload from = arguments.buffers().getFirst();
    Handle handle = files.handle(false, true);
    if (handle == null) {
      return;
    }
    byte[] bytes = arguments.bytes(from.length());
    from.fill(bytes);
    long position = arguments.position();
    Access access = program.clear(() -> ProgramWrites.writing(handle, position, bytes.length));
    if (access == null || handle.closed) {
      return;
    }
    FileModel file = handle.model;
    Change change = file.beginWrite(handle.appends ? file.size() : position, bytes, handle, program.now());
    program.didOne("try to write " + bytes.length + " at " + position + " of " + file.name);
    synchronized (program.disk()) {
      int count;
      try {
        AsyncFile on = handle.file(program.random);
        count = program.errors.call(() -> on.tryWrite(buffer(from), position), _ -> CUT);
      } catch (RuntimeException e) {
        program.verdicts.checkFailure(e);
        from.checkGuards();
        file.failed(change, program.now());
        return;
      }
      if (count == CUT) {
        from.checkGuards();
        file.failed(change, program.now());
        return;
      }
      if (count == AsyncFile.NOT_NOW && !handle.appends && program.quirks.seen(Quirk.TRY_AGAIN) > 0) {
        // Some of it may have landed, which does no harm to whoever does it once more.
        file.failed(change, program.now());
      } else if (count == AsyncFile.NOT_NOW) {
        // Nothing at all was done: whoever hears it does all of it once more.
        file.notWritten(change);
        assertTrue(!access.writesSize() || file.file.cached().size() == file.size(), "not written, and the file is longer");
      } else {
        ProgramWrites.checkCount(program, count, bytes.length);
        file.wrote(change, count, program.now());
      }
      from.check(Math.max(0, count));
      file.check(access.from(), access.to());
    }
  }

  private static ByteBuffer buffer(Payload payload) {
    return Objects.requireNonNull(payload.buffer());
  }
}
