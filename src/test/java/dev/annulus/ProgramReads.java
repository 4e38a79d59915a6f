package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.ProgramFiles.Handle;
import dev.annulus.Running.Access;
import dev.annulus.sim.Quirk;
import java.io.EOFException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The reads of a {@link SimulatedProgram}, and what each may come to. */
final class ProgramReads {
  private final SimulatedProgram program;
  private final ProgramFiles files;
  private final ProgramArguments arguments;

  ProgramReads(SimulatedProgram program, ProgramFiles files, ProgramArguments arguments) {
    this.program = program;
    this.files = files;
    this.arguments = arguments;
  }

  void read(boolean fully) {
    Handle handle = files.handle(true, false);
    long at = arguments.position();
    Payload into = arguments.payload();
    if (handle == null) {
      return;
    }
    Access access = program.clear(() -> Access.reading(handle.model, at, at + into.length()));
    if (access == null || handle.closed) {
      return;
    }
    boolean full = handle.instance.queueIsFull(1);
    AsyncFile file = handle.file(program.random);
    Running ignored =
        program.start(
            "read" + (fully ? "Fully" : "") + " " + into.length() + " at " + at + " of " + handle.model.name,
            () -> read(file, into, at, fully),
            access,
            full,
            operation -> check(operation, handle.model, List.of(into), at, fully));
  }

  private static CompletableFuture<?> read(AsyncFile file, Payload into, long at, boolean fully) {
    ByteBuffer buffer = into.buffer();
    if (fully) {
      return buffer != null ? file.readFully(buffer, at) : file.readFully(into.segment(), at);
    }
    return buffer != null ? file.read(buffer, at) : file.read(into.segment(), at);
  }

  void scatter() {
    Handle handle = files.handle(true, false);
    long at = arguments.position();
    List<Payload> into = arguments.buffers();
    int length = into.stream().mapToInt(Payload::length).sum();
    if (handle == null) {
      return;
    }
    Access access = program.clear(() -> Access.reading(handle.model, at, at + length));
    if (access == null || handle.closed) {
      return;
    }
    boolean full = handle.instance.queueIsFull(1);
    AsyncFile file = handle.file(program.random);
    List<ByteBuffer> buffers = into.stream().map(Payload::buffer).map(Objects::requireNonNull).toList();
    Running ignored =
        program.start(
            "scatter " + length + " at " + at + " of " + handle.model.name,
            () -> file.read(buffers, at),
            access,
            full,
            operation -> check(operation, handle.model, into, at, false));
  }

  /** Several reads in one call. */
  void batch() {
    Handle handle = files.handle(true, false);
    List<BufferAt> batch = new ArrayList<>();
    List<Payload> payloads = arguments.buffers();
    for (Payload payload : payloads) {
      batch.add(new BufferAt(Objects.requireNonNull(payload.buffer()), arguments.position()));
    }
    if (handle == null || program.clear(() -> readingAll(handle, batch, payloads)) == null || handle.closed) {
      return;
    }
    List<Access> accesses = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      accesses.add(reading(handle, batch.get(i), payloads.get(i)));
    }
    boolean full = handle.instance.queueIsFull(batch.size());
    program.starting(true);
    AsyncFile file = handle.file(program.random);
    List<? extends CompletableFuture<Void>> futures =
        program.errors.call(
            () -> file.readMany(batch), e -> Collections.nCopies(batch.size(), CompletableFuture.failedFuture(e)));
    for (int i = 0; i < batch.size(); i++) {
      CompletableFuture<Void> future = futures.get(i);
      long at = batch.get(i).position();
      Payload into = payloads.get(i);
      Running ignored =
          program.start(
              "readMany " + into.length() + " at " + at + " of " + handle.model.name,
              () -> future,
              accesses.get(i),
              full,
              operation -> check(operation, handle.model, List.of(into), at, true));
    }
    program.starting(false);
  }

  /** All between the first byte of any and the last: reads do not conflict with each other. */
  private static Access readingAll(Handle handle, List<BufferAt> batch, List<Payload> payloads) {
    long from = Long.MAX_VALUE;
    long to = 0;
    for (int i = 0; i < batch.size(); i++) {
      long position = batch.get(i).position();
      from = Math.min(from, position);
      to = Math.max(to, position + payloads.get(i).length());
    }
    return Access.reading(handle.model, from, to);
  }

  private static Access reading(Handle handle, BufferAt read, Payload into) {
    return Access.reading(handle.model, read.position(), read.position() + into.length());
  }

  /** Checks what a read came to. */
  void check(Running operation, FileModel file, List<Payload> into, long at, boolean fully) {
    int length = into.stream().mapToInt(Payload::length).sum();
    int there = (int) Math.clamp(file.size() - at, 0L, length);
    Throwable failure = operation.failure;
    if (operation.givenUp || (failure != null && program.errors.explains(failure))) {
      into.forEach(Payload::checkGuards);
    } else if (failure instanceof EOFException && fully) {
      assertTrue(there < length, "end of file before the end of file");
      checkBytes(file, into, at, there);
    } else if (failure != null) {
      program.verdicts.checkFailure(operation);
      if (!fully) {
        checkBytes(file, into, at, 0);
      }
    } else {
      int count = fully ? length : ((Number) Objects.requireNonNull(operation.value)).intValue();
      checkCount(program, file, into, at, count, null);
    }
  }

  /** Checks the count of a read that has ended well. */
  static void checkCount(
      SimulatedProgram program, FileModel file, List<Payload> into, long at, int count, @Nullable Quirk shortens) {
    int length = into.stream().mapToInt(Payload::length).sum();
    int there = (int) Math.clamp(file.size() - at, 0L, length);
    assertTrue(count <= there, () -> count + " bytes read, " + there + " there");
    assertEquals(there == 0 && length > 0, count == -1, "end of file");
    boolean mayBeShort =
        program.quirks.seen(Quirk.SHORT_READ) > 0 || (shortens != null && program.quirks.seen(shortens) > 0);
    assertTrue(
        count == there || count == -1 || (count > 0 && mayBeShort), () -> count + " bytes read, " + there + " there");
    checkBytes(file, into, at, Math.max(0, count));
  }

  private static void checkBytes(FileModel file, List<Payload> into, long at, int count) {
    int done = 0;
    for (Payload payload : into) {
      int here = Math.min(count - done, payload.length());
      payload.check(here);
      assertArrayEquals(file.bytes(at + done, here), Arrays.copyOf(payload.bytes(), here), "what was read");
      done += here;
    }
  }
}
