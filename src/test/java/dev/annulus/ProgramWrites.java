package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.FileModel.Change;
import dev.annulus.ProgramFiles.Handle;
import dev.annulus.Running.Access;
import dev.annulus.sim.Quirk;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The writes of a {@link SimulatedProgram}, and what each may come to. */
final class ProgramWrites {
  /** The calls that write one buffer. */
  private enum Form {
    WRITE,
    FULLY,
    DURABLY
  }

  /** One write: what was to be written where, and what the models know of it. */
  private static final class Write {
    final Handle handle;
    final List<Payload> from;
    final Form form;
    final Access access;
    final Change change;
    final boolean lostBefore;
    final Losses.@Nullable Event event;

    Write(Handle handle, List<Payload> from, Form form, Access access, Change change, Losses.@Nullable Event event) {
      this.handle = handle;
      this.from = from;
      this.form = form;
      this.access = access;
      this.change = change;
      this.event = event;
      lostBefore = handle.syncLost;
    }

    int length() {
      int length = 0;
      for (Payload payload : from) {
        length += payload.length();
      }
      return length;
    }

    boolean syncs() {
      return form == Form.DURABLY || handle.syncsEachWrite;
    }
  }

  private final SimulatedProgram program;
  private final ProgramFiles files;
  private final ProgramArguments arguments;

  ProgramWrites(SimulatedProgram program, ProgramFiles files, ProgramArguments arguments) {
    this.program = program;
    this.files = files;
    this.arguments = arguments;
  }

  void write(boolean fully) {
    Payload from = arguments.payload();
    Handle handle = files.handle(false, true);
    if (handle != null) {
      one(handle, from, fully ? Form.FULLY : Form.WRITE);
    }
  }

  void writeDurably() {
    Payload from = arguments.buffers().getFirst();
    Handle handle = files.handle(false, true);
    if (handle != null) {
      one(handle, from, Form.DURABLY);
    }
  }

  private void one(Handle handle, Payload from, Form form) {
    byte[] bytes = arguments.bytes(from.length());
    from.fill(bytes);
    long position = arguments.position();
    Access access = program.clear(() -> writing(handle, position, bytes.length));
    if (access == null || handle.closed) {
      return;
    }
    Write write = begin(handle, List.of(from), form, access, position, bytes);
    boolean full = handle.instance.queueIsFull(1);
    AsyncFile file = handle.file(program.random);
    ByteBuffer buffer = from.buffer();
    Supplier<CompletableFuture<?>> call =
        () ->
            switch (form) {
              case DURABLY -> file.writeDurably(Objects.requireNonNull(buffer), position);
              case FULLY -> buffer != null ? file.writeFully(buffer, position) : file.writeFully(from.segment(), position);
              case WRITE ->
                  handle.appends && buffer != null
                      ? file.append(buffer)
                      : buffer != null ? file.write(buffer, position) : file.write(from.segment(), position);
            };
    start(write, "write " + form + " " + bytes.length + " at " + position, call, full);
  }

  void gather() {
    List<Payload> from = arguments.buffers();
    Handle handle = files.handle(false, true);
    if (handle == null) {
      return;
    }
    int length = from.stream().mapToInt(Payload::length).sum();
    long position = arguments.position();
    Access access = program.clear(() -> writing(handle, position, length));
    if (access == null || handle.closed) {
      return;
    }
    byte[] bytes = arguments.bytes(length);
    int done = 0;
    for (Payload payload : from) {
      payload.fill(Arrays.copyOfRange(bytes, done, done + payload.length()));
      done += payload.length();
    }
    Write write = begin(handle, from, Form.WRITE, access, position, bytes);
    boolean full = handle.instance.queueIsFull(1);
    AsyncFile on = handle.file(program.random);
    List<ByteBuffer> buffers = from.stream().map(Payload::buffer).map(Objects::requireNonNull).toList();
    start(write, "gather " + length + " at " + position, () -> on.write(buffers, position), full);
  }

  private Write begin(Handle handle, List<Payload> from, Form form, Access access, long position, byte[] bytes) {
    FileModel file = handle.model;
    long at = handle.appends ? file.size() : position;
    Change change = file.beginWrite(at, bytes, handle, program.now());
    boolean syncs = form == Form.DURABLY || handle.syncsEachWrite;
    return new Write(handle, from, form, access, change, syncs ? file.losses.begin(program.now()) : null);
  }

  private void start(Write write, String what, Supplier<CompletableFuture<?>> call, boolean full) {
    Handle handle = write.handle;
    Running started =
        program.start(
            what + (handle.appends ? ", appending," : "") + " of " + handle.model.name,
            call,
            write.access,
            full,
            operation -> check(operation, write));
    if (write.syncs()) {
      files.noteSync(started, handle);
    }
  }

  static Access writing(Handle handle, long position, int length) {
    if (length == 0) {
      return Access.NONE;
    }
    long at = handle.appends ? handle.model.size() : position;
    return handle.appends ? Access.resizing(handle.model, at) : Access.writing(handle.model, at, at + length);
  }

  private void check(Running operation, Write write) {
    FileModel file = write.handle.model;
    write.from.forEach(Payload::checkGuards);
    if (operation.succeeded()) {
      checkSuccess(operation, write);
    } else if (!operation.givenUp && program.verdicts.wasRefused(operation) && !isAfterBegin(operation)) {
      file.notWritten(write.change);
      file.check(write.access.from(), write.access.to());
      write.from.forEach(payload -> payload.check(0));
      forget(write);
    } else {
      program.verdicts.checkFailure(operation);
      file.failed(write.change, program.now());
      if (write.event != null) {
        file.losses.failed(write.event, program.now());
      }
    }
  }

  /** A durable write may be refused between its write and its sync, when the runtime ends. */
  private boolean isAfterBegin(Running operation) {
    return program.isEnding() && operation.what.contains(Form.DURABLY.name());
  }

  private void forget(Write write) {
    if (write.event != null) {
      write.handle.model.losses.harmless(write.event);
    }
  }

  private void checkSuccess(Running operation, Write write) {
    FileModel file = write.handle.model;
    int length = write.length();
    int count = write.form == Form.WRITE ? ((Number) Objects.requireNonNull(operation.value)).intValue() : length;
    checkCount(program, count, length);
    forget(write);
    if (write.form == Form.DURABLY && length > 0) {
      assertFalse(write.lostBefore, "durable after a sync that lost data");
      file.wroteDurably(write.change, count, program.now());
      // Written through, it covers nothing else; nor what others have written if that is for the runtime to choose.
      if (write.handle.instance.durability != Durability.WRITE_THROUGH) {
        boolean own = write.handle.instance.durability == Durability.AUTO;
        file.synced(operation.began, write.handle.opened, own ? write.handle : null);
      }
    } else if (write.syncs()) {
      file.wroteDurably(write.change, count, program.now());
    } else {
      file.wrote(write.change, count, program.now());
    }
    int left = count;
    for (Payload payload : write.from) {
      int here = Math.min(left, payload.length());
      payload.check(here);
      left -= here;
    }
    file.check(write.access.from(), write.access.to());
  }

  static void checkCount(SimulatedProgram program, int count, int length) {
    boolean cut = program.quirks.seen(Quirk.SHORT_WRITE) > 0;
    boolean none = program.quirks.seen(Quirk.ZERO_WRITE) > 0;
    assertTrue(
        count == length || (count > 0 && count < length && cut) || (count == 0 && none),
        () -> count + " bytes written of " + length);
  }
}
