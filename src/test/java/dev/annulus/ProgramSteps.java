package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.FileModel.Change;
import dev.annulus.Running.Access;
import dev.annulus.internal.driver.Errno;
import dev.annulus.sim.Quirk;
import dev.annulus.sim.SimulatedDisk;
import dev.annulus.sim.SimulatedFile;
import java.io.EOFException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
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

/** The steps a {@link SimulatedProgram} is made of, and what each may come to. */
final class ProgramSteps {
  private static final List<String> PATHS = List.of("/sim/a", "/sim/b");
  private static final int MOST_HANDLES = 4;
  private static final int LONGEST = 1400;

  /** A file the program has open. */
  private static final class Handle {
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
  private final NativePool pool;
  private final Map<String, FileModel> models = new TreeMap<>();
  private final List<Handle> handles = new ArrayList<>();
  private final List<CompletableFuture<Void>> closings = new ArrayList<>();

  /** What a sync came to, told in the order in which futures end. */
  private final Map<Running, Handle> syncs = new HashMap<>();

  ProgramSteps(SimulatedProgram program, NativePool pool) {
    this.program = program;
    this.random = program.random;
    this.pool = pool;
  }

  /** One random step; in a callback it may come to nothing. */
  void step() {
    switch (random.nextInt(22)) {
      case 0, 1, 2 -> read(false);
      case 3, 4 -> read(true);
      case 5 -> scatter();
      case 6, 7, 8 -> write(false);
      case 9, 10 -> write(true);
      case 11 -> gather();
      case 12, 13 -> writeDurably();
      case 14 -> sync();
      case 15 -> resize();
      case 16 -> size();
      case 17, 18 -> program.giveUpOne();
      case 19 -> checkCrash();
      case 20 -> openOrClose();
      default -> rare();
    }
  }

  // ---- reading ----

  private void read(boolean fully) {
    Handle handle = handle(true, false);
    int at = position();
    Payload into = payload();
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

  private void scatter() {
    Handle handle = handle(true, false);
    int at = position();
    List<Payload> into = buffers();
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

  private void write(boolean fully) {
    Payload from = payload();
    Handle handle = handle(false, true);
    if (handle == null) {
      return;
    }
    writeAt(handle, from, fully ? "writeFully" : "write", position());
  }

  private void writeDurably() {
    Payload from = buffers().getFirst();
    Handle handle = handle(false, true);
    if (handle == null) {
      return;
    }
    writeAt(handle, from, "writeDurably", position());
  }

  private void writeAt(Handle handle, Payload from, String how, int position) {
    byte[] bytes = bytes(from.length());
    from.fill(bytes);
    Access access = program.clear(() -> writing(handle, position, bytes.length));
    int at = handle.appends ? handle.model.size : position;
    if (access == null || handle.closed || at + bytes.length > FileModel.MOST) {
      return;
    }
    Change change = handle.model.beginWrite(at, bytes);
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
      note(started, handle);
    }
  }

  private void gather() {
    List<Payload> from = buffers();
    Handle handle = handle(false, true);
    if (handle == null) {
      return;
    }
    int length = from.stream().mapToInt(Payload::length).sum();
    int position = position();
    Access access = program.clear(() -> writing(handle, position, length));
    int at = handle.appends ? handle.model.size : position;
    if (access == null || handle.closed || at + length > FileModel.MOST) {
      return;
    }
    byte[] bytes = bytes(length);
    int done = 0;
    for (Payload payload : from) {
      payload.fill(Arrays.copyOfRange(bytes, done, done + payload.length()));
      done += payload.length();
    }
    Change change = handle.model.beginWrite(at, bytes);
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

  // ---- the rest of what is done with a file ----

  private void sync() {
    Handle handle = handle(false, false);
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
    note(started, handle);
  }

  private void note(Running sync, Handle handle) {
    syncs.put(sync, handle);
    ended(sync);
  }

  /** A future has ended, just now. */
  void ended(Running operation) {
    Throwable failure = operation.failure;
    Handle handle = syncs.get(operation);
    if (handle != null && !operation.givenUp && failure instanceof ErrnoException e && e.operation().endsWith("sync")) {
      handle.syncLost |= e.errno() == Errno.EIO;
    }
  }

  private void resize() {
    Handle handle = handle(false, true);
    if (handle == null) {
      return;
    }
    FileModel file = handle.model;
    boolean allocates = random.nextBoolean();
    int length = 1 + random.nextInt(LONGEST);
    int position = position();
    int wanted = allocates ? position + length : position;
    Access access = program.clear(() -> Access.resizing(file, Math.min(wanted, file.size)));
    if (access == null || handle.closed) {
      return;
    }
    int newSize = allocates ? Math.max(file.size, wanted) : wanted;
    Change change = file.beginResize(newSize);
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
    Handle handle = handle(false, false);
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

  // ---- opening and closing ----

  private @Nullable Handle handle(boolean reads, boolean writes) {
    List<Handle> fit = handles.stream().filter(handle -> handle.allows(reads, writes)).toList();
    if (!fit.isEmpty()) {
      return fit.get(random.nextInt(fit.size()));
    }
    Handle opened = handles.size() < MOST_HANDLES ? open() : null;
    return opened != null && opened.allows(reads, writes) ? opened : null;
  }

  private void openOrClose() {
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
    Change change = truncates ? file.beginResize(0) : null;
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

  // ---- rare things ----

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
    closings.add(file.closeAsync());
  }

  // ---- checks of everything ----

  private void checkCrash() {
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

  // ---- random arguments ----

  private int position() {
    return random.nextInt(4) == 0 ? 0 : random.nextInt(2000);
  }

  private Payload payload() {
    Payload.Kind[] kinds = Payload.Kind.values();
    return Payload.of(kinds[random.nextInt(kinds.length)], length(LONGEST), pool);
  }

  private List<Payload> buffers() {
    List<Payload> buffers = new ArrayList<>();
    int count = 1 + random.nextInt(4);
    for (int i = 0; i < count; i++) {
      Payload.Kind kind = random.nextBoolean() ? Payload.Kind.HEAP_BUFFER : Payload.Kind.DIRECT_BUFFER;
      buffers.add(Payload.of(kind, length(LONGEST / count), pool));
    }
    return buffers;
  }

  private int length(int most) {
    return random.nextInt(12) == 0 ? 0 : 1 + random.nextInt(most);
  }

  private byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }
}
