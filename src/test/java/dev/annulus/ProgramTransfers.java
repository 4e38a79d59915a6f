package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.FileModel.Change;
import dev.annulus.ProgramFiles.Handle;
import dev.annulus.Running.Access;
import dev.annulus.sim.Quirk;
import java.io.EOFException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/** The reads and writes of a {@link SimulatedProgram}, and what each may come to. */
final class ProgramTransfers {
  private final SimulatedProgram program;
  private final ProgramFiles files;
  private final ProgramArguments arguments;

  ProgramTransfers(SimulatedProgram program, ProgramFiles files, ProgramArguments arguments) {
    this.program = program;
    this.files = files;
    this.arguments = arguments;
  }

  // ---- reading ----

  void read(boolean fully) {
    Handle handle = files.handle(true, false);
    int at = arguments.position();
    Payload into = arguments.payload();
    if (handle == null) {
      return;
    }
    Access access = program.clear(() -> Access.reading(handle.model, at, at + into.length()));
    if (access == null || handle.closed) {
      return;
    }
    boolean full = program.queueIsFull();
    ByteBuffer buffer = into.buffer();
    CompletableFuture<?> future;
    if (fully) {
      future = buffer != null ? handle.file.readFully(buffer, at) : handle.file.readFully(into.segment(), at);
    } else {
      future = buffer != null ? handle.file.read(buffer, at) : handle.file.read(into.segment(), at);
    }
    Running started =
        program.start(
            "read" + (fully ? "Fully" : "") + " " + into.length() + " at " + at + " of " + handle.model.path,
            future,
            access,
            full,
            operation -> checkRead(operation, handle.model, List.of(into), at, fully));
    assertNotNull(started);
  }

  void scatter() {
    Handle handle = files.handle(true, false);
    int at = arguments.position();
    List<Payload> into = arguments.buffers();
    int length = into.stream().mapToInt(Payload::length).sum();
    if (handle == null) {
      return;
    }
    Access access = program.clear(() -> Access.reading(handle.model, at, at + length));
    if (access == null || handle.closed) {
      return;
    }
    boolean full = program.queueIsFull();
    CompletableFuture<?> future = handle.file.read(into.stream().map(Payload::buffer).map(Objects::requireNonNull).toList(), at);
    Running started =
        program.start(
            "scatter " + length + " at " + at + " of " + handle.model.path,
            future,
            access,
            full,
            operation -> checkRead(operation, handle.model, into, at, false));
    assertNotNull(started);
  }

  private void checkRead(Running operation, FileModel file, List<Payload> into, int at, boolean fully) {
    int length = into.stream().mapToInt(Payload::length).sum();
    int there = Math.clamp((long) file.size - at, 0, length);
    Throwable failure = operation.failure;
    if (operation.givenUp) {
      checkGuards(into);
    } else if (failure instanceof EOFException && fully) {
      assertTrue(there < length, "end of file before the end of file");
      checkBytes(file, into, at, there);
    } else if (failure != null) {
      program.checkFailure(operation);
      if (!fully) {
        checkBytes(file, into, at, 0);
      }
    } else {
      int count = fully ? length : ((Number) Objects.requireNonNull(operation.value)).intValue();
      assertTrue(count <= there, () -> count + " bytes read, " + there + " there");
      assertEquals(there == 0 && length > 0, count == -1, "end of file");
      assertTrue(
          count == there || count == -1 || (count > 0 && program.quirks.seen(Quirk.SHORT_READ) > 0),
          () -> count + " bytes read, " + there + " there");
      checkBytes(file, into, at, Math.max(0, count));
    }
  }

  private static void checkBytes(FileModel file, List<Payload> into, int at, int count) {
    int done = 0;
    for (Payload payload : into) {
      int here = Math.min(count - done, payload.length());
      payload.check(here);
      assertArrayEquals(
          Arrays.copyOfRange(file.content, at + done, at + done + here), Arrays.copyOf(payload.bytes(), here), "what was read");
      done += here;
    }
  }

  private static void checkGuards(List<Payload> payloads) {
    payloads.forEach(Payload::checkGuards);
  }

  // ---- writing ----

  void write(boolean fully) {
    Payload from = arguments.payload();
    Handle handle = files.handle(false, true);
    if (handle == null) {
      return;
    }
    writeAt(handle, from, fully ? "writeFully" : "write", arguments.position());
  }

  void writeDurably() {
    Payload from = arguments.buffers().getFirst();
    Handle handle = files.handle(false, true);
    if (handle == null) {
      return;
    }
    writeAt(handle, from, "writeDurably", arguments.position());
  }

  private void writeAt(Handle handle, Payload from, String how, int position) {
    byte[] bytes = arguments.bytes(from.length());
    from.fill(bytes);
    Access access = program.clear(() -> writing(handle, position, bytes.length));
    int at = handle.appends ? handle.model.size : position;
    if (access == null || handle.closed || at + bytes.length > FileModel.MOST) {
      return;
    }
    Change change = handle.model.beginWrite(at, bytes, program.now());
    boolean full = program.queueIsFull();
    boolean lost = handle.syncLost;
    ByteBuffer buffer = from.buffer();
    CompletableFuture<?> future =
        switch (how) {
          case "writeDurably" -> handle.file.writeDurably(Objects.requireNonNull(buffer), position);
          case "writeFully" ->
              buffer != null ? handle.file.writeFully(buffer, position) : handle.file.writeFully(from.segment(), position);
          default ->
              handle.appends && buffer != null
                  ? handle.file.append(buffer)
                  : buffer != null ? handle.file.write(buffer, position) : handle.file.write(from.segment(), position);
        };
    boolean durably = how.equals("writeDurably");
    Running started =
        program.start(
            how + " " + bytes.length + " at " + at + " of " + handle.model.path,
            future,
            access,
            full,
            operation -> {
              checkWrite(operation, handle, List.of(from), change, access, how);
              assertFalse(durably && lost && bytes.length > 0 && operation.succeeded(), "durable after a sync that lost data");
            });
    if (durably) {
      files.noteSync(started, handle);
    }
  }

  void gather() {
    List<Payload> from = arguments.buffers();
    Handle handle = files.handle(false, true);
    if (handle == null) {
      return;
    }
    int length = from.stream().mapToInt(Payload::length).sum();
    int position = arguments.position();
    Access access = program.clear(() -> writing(handle, position, length));
    int at = handle.appends ? handle.model.size : position;
    if (access == null || handle.closed || at + length > FileModel.MOST) {
      return;
    }
    byte[] bytes = arguments.bytes(length);
    int done = 0;
    for (Payload payload : from) {
      payload.fill(Arrays.copyOfRange(bytes, done, done + payload.length()));
      done += payload.length();
    }
    Change change = handle.model.beginWrite(at, bytes, program.now());
    boolean full = program.queueIsFull();
    CompletableFuture<?> future =
        handle.file.write(from.stream().map(Payload::buffer).map(Objects::requireNonNull).toList(), position);
    Running started =
        program.start(
            "gather " + length + " at " + at + " of " + handle.model.path,
            future,
            access,
            full,
            operation -> checkWrite(operation, handle, from, change, access, "write"));
    assertNotNull(started);
  }

  private static Access writing(Handle handle, int position, int length) {
    if (length == 0) {
      return Access.NONE;
    }
    int at = handle.appends ? handle.model.size : position;
    return handle.appends ? Access.resizing(handle.model, at) : Access.writing(handle.model, at, at + length);
  }

  private void checkWrite(Running operation, Handle handle, List<Payload> from, Change change, Access access, String how) {
    FileModel file = handle.model;
    int length = from.stream().mapToInt(Payload::length).sum();
    checkGuards(from);
    if (operation.succeeded()) {
      int count = how.equals("write") ? ((Number) Objects.requireNonNull(operation.value)).intValue() : length;
      assertTrue(
          count == length || (count > 0 && count < length && program.quirks.seen(Quirk.SHORT_WRITE) > 0),
          () -> count + " bytes written of " + length);
      if (how.equals("writeDurably") && length > 0) {
        file.wroteDurably(change, count, program.now());
        file.synced(operation.began, handle.opened);
      } else {
        file.wrote(change, count, program.now());
      }
      int left = count;
      for (Payload payload : from) {
        int here = Math.min(left, payload.length());
        payload.check(here);
        left -= here;
      }
      file.check(program.cached(file.path), access.from(), access.to());
    } else if (!operation.givenUp && program.wasRefused(operation)) {
      file.wrote(change, 0, program.now());
      file.check(program.cached(file.path), access.from(), access.to());
      from.forEach(payload -> payload.check(0));
    } else {
      program.checkFailure(operation);
      file.failed(change, program.cached(file.path), program.now());
      if (how.equals("writeDurably")) {
        file.maybeLost();
      }
    }
  }
}
