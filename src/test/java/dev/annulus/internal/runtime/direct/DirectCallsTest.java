package dev.annulus.internal.runtime.direct;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Arch;
import dev.annulus.internal.abi.DirentLayout;
import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.IovecLayout;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Operation.DirectoryItem;
import dev.annulus.internal.driver.Operation.Piece;
import dev.annulus.internal.driver.StatResult;
import dev.annulus.testing.SyscallTap;
import dev.annulus.testing.SyscallTap.Call;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which system calls operations become on the calling thread, which of them are made again, and how often. */
@Timeout(60)
class DirectCallsTest {
  private static final Arch.Numbers NR = Syscalls.arch().numbers;
  private static final int FD = 1_000_042;
  private static final long FAR = 1L << 40;
  private static final int MAX_CALLS = 65;
  private static final Path PATH = Path.of("/some/name");
  private static final Path OTHER = Path.of("/another");
  private static final MemorySegment MEMORY = Arena.ofAuto().allocate(64);
  private static final List<Piece> PIECES =
      List.of(new Piece(MEMORY, MEMORY.address(), 3), new Piece(MEMORY, MEMORY.address() + 8, 5));

  @TempDir Path directory;

  private final SyscallTap tap = SyscallTap.ofThisThread();

  @AfterEach
  void close() {
    tap.close();
  }

  /** A write that is to be durable. */
  private record Durable(int fd, Object memory, long address, int length, long offset) implements Operation.Write {
    @Override
    public boolean isDurable() {
      return true;
    }
  }

  private static Operation read() {
    return new Operation.PlainRead(FD, MEMORY, MEMORY.address(), 8, FAR);
  }

  private static Operation write() {
    return new Operation.PlainWrite(FD, MEMORY, MEMORY.address(), 8, FAR);
  }

  private static Operation durable() {
    return new Durable(FD, MEMORY, MEMORY.address(), 8, FAR);
  }

  private static Operation append() {
    return new Operation.PlainWrite(FD, MEMORY, MEMORY.address(), 8, Operation.AT_END_OF_FILE);
  }

  // ---- what is made again ----

  static List<Operation> repeated() {
    return List.of(
        read(),
        new Operation.ReadVector(FD, PIECES, FAR),
        new Operation.Truncate(FD, 5),
        new Operation.Allocate(FD, 1, 2),
        new Operation.Reserve(FD, 1, 2),
        new Operation.Stat(FD, new StatResult()),
        new Operation.StatPath(PATH, true, new StatResult()),
        new Operation.Open(PATH, EnumSet.of(OpenFlag.READ), 0),
        new Operation.CreateDirectory(PATH, 0700),
        new Operation.Remove(PATH, false),
        new Operation.Rename(PATH, OTHER),
        new Operation.Link(PATH, OTHER),
        new Operation.TryLock(FD),
        new Operation.Unlock(FD),
        new Operation.ListDirectory(PATH, new ArrayList<>()),
        new Operation.RemoveTree(PATH));
  }

  static List<Operation> notRepeated() {
    return List.of(
        write(),
        durable(),
        append(),
        new Operation.WriteVector(FD, PIECES, FAR),
        new Operation.Sync(FD, true),
        new Operation.Sync(FD, false),
        new Operation.Close(FD));
  }

  /** Interrupts the first so many calls, and answers the others with 0. */
  private void interrupt(int times) {
    int[] calls = {0};
    tap.forget();
    tap.answer(_ -> ++calls[0] <= times ? -Errno.EINTR : 0);
  }

  @ParameterizedTest
  @MethodSource("repeated")
  void call_interrupted_isMadeAgainButNotForEver(Operation operation) {
    assertMadeAgain(() -> DirectCalls.run(operation));
  }

  private void assertMadeAgain(IntSupplier call) {
    interrupt(3);
    assertEquals(0, call.getAsInt());
    assertTrue(tap.calls().size() >= 4, tap.calls().toString());
    assertEquals(tap.calls().get(0).number(), tap.calls().get(3).number());
    interrupt(MAX_CALLS - 1);
    assertEquals(0, call.getAsInt());
    interrupt(Integer.MAX_VALUE);
    assertEquals(-Errno.EINTR, call.getAsInt());
    assertEquals(MAX_CALLS, tap.calls().size());
  }

  @ParameterizedTest
  @MethodSource("notRepeated")
  void call_whoseEffectIsNotKnown_isNotMadeAgain(Operation operation) {
    interrupt(1);
    assertEquals(-Errno.EINTR, DirectCalls.run(operation));
    assertEquals(1, tap.calls().size());
  }

  @Test
  void plainTransfers_interrupted_areMadeAgainIfTheyRead() {
    assertMadeAgain(() -> DirectCalls.read(FD, MEMORY.address(), 8, FAR));
    interrupt(1);
    assertEquals(-Errno.EINTR, DirectCalls.write(FD, MEMORY.address(), 8, FAR));
    assertEquals(1, tap.calls().size());
    interrupt(1);
    assertEquals(-Errno.EINTR, DirectCalls.attempt(FD, MEMORY.address(), 8, FAR));
    assertEquals(1, tap.calls().size());
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EAGAIN, Errno.EIO, Errno.EBUSY, Errno.ENOMEM})
  void otherErrors_areToldAtOnce(int errno) {
    tap.answer(_ -> -errno);
    for (Operation operation : repeated()) {
      tap.forget();
      assertEquals(-errno, DirectCalls.run(operation));
      assertEquals(1, tap.calls().size(), operation.name());
    }
    tap.forget();
    assertEquals(-errno, DirectCalls.read(FD, MEMORY.address(), 8, FAR));
    assertEquals(-errno, DirectCalls.write(FD, MEMORY.address(), 8, FAR));
    assertEquals(2, tap.calls().size());
  }

  // ---- what the calls are ----

  private void assertCall(Operation operation, int number, long... arguments) {
    tap.forget();
    tap.answer(_ -> 7);
    assertEquals(7, DirectCalls.run(operation), operation.name());
    assertCall(number, arguments);
  }

  private void assertCall(int number, long... arguments) {
    assertEquals(1, tap.calls().size(), tap.calls().toString());
    List<Long> expected = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      expected.add(i < arguments.length ? arguments[i] : 0);
    }
    assertEquals(new Call(number, expected), tap.calls().getFirst());
  }

  @Test
  void operationsOnADescriptor_areTheirCalls() {
    assertEquals(0, DirectCalls.run(new Operation.Nop()));
    assertEquals(List.of(), tap.calls());
    assertCall(read(), NR.pread64(), FD, MEMORY.address(), 8, FAR);
    assertCall(write(), NR.pwrite64(), FD, MEMORY.address(), 8, FAR);
    assertCall(append(), NR.write(), FD, MEMORY.address(), 8);
    assertCall(new Operation.Sync(FD, true), NR.fdatasync(), FD);
    assertCall(new Operation.Sync(FD, false), NR.fsync(), FD);
    assertCall(new Operation.Truncate(FD, FAR), NR.ftruncate(), FD, FAR);
    assertCall(new Operation.Allocate(FD, 5, FAR), NR.fallocate(), FD, 0, 5, FAR);
    assertCall(new Operation.Reserve(FD, 5, FAR), NR.fallocate(), FD, Fcntl.FALLOC_FL_KEEP_SIZE, 5, FAR);
    assertCall(new Operation.Close(FD), NR.close(), FD);
    assertCall(new Operation.TryLock(FD), NR.flock(), FD, Fcntl.LOCK_EX | Fcntl.LOCK_NB);
    assertCall(new Operation.Unlock(FD), NR.flock(), FD, Fcntl.LOCK_UN);
    tap.forget();
    assertEquals(7, DirectCalls.close(FD));
    assertCall(NR.close(), FD);
    tap.forget();
    assertEquals(7, DirectCalls.read(FD, MEMORY.address(), 8, FAR));
    assertCall(NR.pread64(), FD, MEMORY.address(), 8, FAR);
    tap.forget();
    assertEquals(7, DirectCalls.write(FD, MEMORY.address(), 8, FAR));
    assertCall(NR.pwrite64(), FD, MEMORY.address(), 8, FAR);
  }

  /** One iovec, and the flag that keeps it from waiting for a device. */
  @Test
  void attempt_isAReadThatDoesNotWait() {
    tap.answer(
        call -> {
          long iovec = call.arguments().get(1);
          assertEquals(new Call(NR.preadv2(), List.of((long) FD, iovec, 1L, FAR, 0L, (long) Fcntl.RWF_NOWAIT)), call);
          assertEquals(MEMORY.address(), SyscallTap.word(iovec + IovecLayout.BASE));
          assertEquals(8, SyscallTap.word(iovec + IovecLayout.LEN));
          return -Errno.EAGAIN;
        });
    assertEquals(-Errno.EAGAIN, DirectCalls.attempt(FD, MEMORY.address(), 8, FAR));
    assertEquals(1, tap.calls().size());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void vectors_areTheirCalls(boolean reads) {
    tap.answer(
        call -> {
          long iovecs = call.arguments().get(1);
          assertEquals(new Call(reads ? NR.preadv() : NR.pwritev(), List.of((long) FD, iovecs, 2L, FAR, 0L, 0L)), call);
          for (int i = 0; i < 2; i++) {
            assertEquals(PIECES.get(i).address(), SyscallTap.word(iovecs + i * IovecLayout.SIZE + IovecLayout.BASE));
            assertEquals(PIECES.get(i).length(), SyscallTap.word(iovecs + i * IovecLayout.SIZE + IovecLayout.LEN));
          }
          return 6;
        });
    assertEquals(6, DirectCalls.run(vector(reads)));
    assertEquals(1, tap.calls().size());
  }

  private static Operation vector(boolean reads) {
    return reads ? new Operation.ReadVector(FD, PIECES, FAR) : new Operation.WriteVector(FD, PIECES, FAR);
  }

  private void assertPaths(Operation operation, int number, Object... arguments) {
    tap.forget();
    tap.answer(
        call -> {
          for (int i = 0; i < arguments.length; i++) {
            long argument = call.arguments().get(i);
            if (arguments[i] instanceof Path path) {
              assertEquals(path.toString(), SyscallTap.text(argument));
            } else if (arguments[i] instanceof Integer value) {
              assertEquals((long) value, argument, operation.name() + ", argument " + i);
            }
          }
          return 7;
        });
    assertEquals(7, DirectCalls.run(operation));
    assertEquals(List.of(number), tap.calls().stream().map(Call::number).toList());
  }

  @Test
  void operationsOnPaths_areTheirCalls() {
    Set<OpenFlag> flags = EnumSet.of(OpenFlag.WRITE, OpenFlag.CREATE_NEW);
    int at = Fcntl.AT_FDCWD;
    assertPaths(new Operation.Open(PATH, flags, 0640), NR.openat(), at, PATH, KernelValues.openFlags(flags), 0640);
    assertPaths(new Operation.CreateDirectory(PATH, 0750), NR.mkdirat(), at, PATH, 0750);
    assertPaths(new Operation.Remove(PATH, false), NR.unlinkat(), at, PATH, 0);
    assertPaths(new Operation.Remove(PATH, true), NR.unlinkat(), at, PATH, Fcntl.AT_REMOVEDIR);
    assertPaths(new Operation.Rename(PATH, OTHER), NR.renameat2(), at, PATH, at, OTHER, 0);
    assertPaths(new Operation.Link(PATH, OTHER), NR.linkat(), at, OTHER, at, PATH, 0);
    int mask = KernelValues.statMask();
    StatResult into = new StatResult();
    assertPaths(new Operation.StatPath(PATH, true, into), NR.statx(), at, PATH, 0, mask);
    assertPaths(new Operation.StatPath(PATH, false, into), NR.statx(), at, PATH, Fcntl.AT_SYMLINK_NOFOLLOW, mask);
    assertPaths(new Operation.Stat(FD, into), NR.statx(), FD, Path.of(""), Fcntl.AT_EMPTY_PATH, mask);
  }

  @Test
  void stat_answeredWell_fillsTheResult() {
    tap.answer(
        call -> {
          SyscallTap.memory(call.arguments().get(4), StatxLayout.SIZE)
              .set(JAVA_LONG, StatxLayout.STX_SIZE, 4711);
          return 0;
        });
    StatResult into = new StatResult();
    assertEquals(0, DirectCalls.run(new Operation.StatPath(PATH, true, into)));
    assertEquals(4711, into.sizeBytes);
    StatResult other = new StatResult();
    assertEquals(0, DirectCalls.stat(FD, other));
    assertEquals(4711, other.sizeBytes);
    tap.answer(_ -> -Errno.ENOENT);
    other.sizeBytes = 1;
    assertEquals(-Errno.ENOENT, DirectCalls.stat(FD, other));
    assertEquals(1, other.sizeBytes);
  }

  @Test
  void durableWrite_isSyncedAndTellsTheSyncsError() {
    int[] answers = {8, 0};
    tap.answer(call -> call.number() == NR.fdatasync() ? answers[1] : answers[0]);
    assertEquals(8, DirectCalls.run(durable()));
    assertEquals(List.of(NR.pwrite64(), NR.fdatasync()), tap.calls().stream().map(Call::number).toList());
    assertEquals(FD, tap.calls().get(1).arguments().getFirst());
    answers[1] = -Errno.EIO;
    assertEquals(-Errno.EIO, DirectCalls.run(durable()));
    tap.forget();
    for (int nothing : new int[] {0, -Errno.ENOSPC}) {
      answers[0] = nothing;
      assertEquals(nothing, DirectCalls.run(durable()));
    }
    answers[0] = 8;
    assertEquals(8, DirectCalls.run(write()));
    assertEquals(8, DirectCalls.run(append()));
    assertEquals(0, tap.calls(NR.fdatasync()), "nothing to be synced");
  }

  // ---- files without positions ----

  /** Answers as a file of some kind that has no positions. */
  private void answerAs(int type) {
    tap.forget();
    tap.answer(
        call -> {
          if (call.number() == NR.statx()) {
            SyscallTap.memory(call.arguments().get(4), StatxLayout.SIZE)
                .set(JAVA_SHORT, StatxLayout.MODE, (short) type);
            return type == 0 ? -Errno.EIO : 0;
          }
          boolean positioned =
              Set.of(NR.pread64(), NR.pwrite64(), NR.preadv(), NR.pwritev()).contains(call.number());
          return positioned ? -Errno.ESPIPE : 5;
        });
  }

  @Test
  void transfers_ofAPipe_takeWhatComesNext() {
    answerAs(0x1000);
    assertEquals(5, DirectCalls.run(read()));
    assertEquals(5, DirectCalls.read(FD, MEMORY.address(), 8, FAR));
    assertEquals(2, tap.calls(NR.read()));
    assertEquals(List.of((long) FD, MEMORY.address(), 8L, 0L, 0L, 0L), tap.calls().get(1).arguments());
    assertEquals(5, DirectCalls.run(write()));
    assertEquals(5, DirectCalls.write(FD, MEMORY.address(), 8, FAR));
    assertEquals(2, tap.calls(NR.write()));
    assertEquals(List.of((long) FD, MEMORY.address(), 8L, 0L, 0L, 0L), tap.calls().getLast().arguments());
    for (boolean reads : new boolean[] {true, false}) {
      tap.forget();
      assertEquals(5, DirectCalls.run(vector(reads)));
      Call last = tap.calls().getLast();
      assertEquals(reads ? NR.preadv2() : NR.pwritev2(), last.number());
      assertEquals(List.of((long) FD, 2L, -1L), List.of(last.arguments().get(0), last.arguments().get(2), last.arguments().get(3)));
    }
  }

  /** A regular file that answers so may have written something, and so may one that tells nothing of itself. */
  @ParameterizedTest
  @ValueSource(ints = {Fcntl.S_IFREG, 0})
  void writes_answeredESPIPEByWhatIsNoPipe_areNotMadeAgain(int type) {
    answerAs(type);
    assertEquals(-Errno.ESPIPE, DirectCalls.run(write()));
    assertEquals(-Errno.ESPIPE, DirectCalls.write(FD, MEMORY.address(), 8, FAR));
    assertEquals(-Errno.ESPIPE, DirectCalls.run(vector(false)));
    assertEquals(0, tap.calls(NR.write()));
    assertEquals(0, tap.calls(NR.pwritev2()));
  }

  @Test
  void transfers_ofARealPipe_passInOrder() throws IOException, InterruptedException {
    Path fifo = directory.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).inheritIO().start().waitFor());
    int pipe = DirectCalls.run(new Operation.Open(fifo, EnumSet.of(OpenFlag.READ, OpenFlag.WRITE), 0));
    assertTrue(pipe >= 0, () -> Errno.symbol(-pipe));
    try {
      MemorySegment text = Arena.ofAuto().allocateFrom("abcdefgh");
      List<Piece> out = List.of(new Piece(text, text.address() + 4, 2), new Piece(text, text.address() + 6, 2));
      assertEquals(2, DirectCalls.run(new Operation.PlainWrite(pipe, text, text.address(), 2, 100)));
      assertEquals(2, DirectCalls.write(pipe, text.address() + 2, 2, 0));
      assertEquals(4, DirectCalls.run(new Operation.WriteVector(pipe, out, 7)));
      MemorySegment target = Arena.ofAuto().allocate(16);
      List<Piece> in = List.of(new Piece(target, target.address() + 4, 1), new Piece(target, target.address() + 5, 3));
      assertEquals(3, DirectCalls.run(new Operation.PlainRead(pipe, target, target.address(), 3, 100)));
      assertEquals(1, DirectCalls.read(pipe, target.address() + 3, 1, 5));
      assertEquals(4, DirectCalls.run(new Operation.ReadVector(pipe, in, 9)));
      assertEquals("abcdefgh", target.getString(0));
    } finally {
      assertEquals(0, DirectCalls.run(new Operation.Close(pipe)));
    }
  }

  // ---- directories ----

  /** Lists one directory whose file system tells no types. */
  private int list(List<DirectoryItem> into, int[] statAnswers, int type) {
    int[] stats = {0};
    boolean[] listed = {false};
    tap.forget();
    tap.answer(
        call -> {
          if (call.number() == NR.openat()) {
            listed[0] = false;
            return FD;
          } else if (call.number() == NR.getdents64() && !listed[0]) {
            listed[0] = true;
            return dirents(call.arguments().get(1), ".", "..", "one");
          } else if (call.number() == NR.statx()) {
            assertEquals(List.of((long) FD), call.arguments().subList(0, 1));
            assertEquals("one", SyscallTap.text(call.arguments().get(1)));
            assertEquals(Fcntl.AT_SYMLINK_NOFOLLOW, call.arguments().get(2));
            SyscallTap.memory(call.arguments().get(4), StatxLayout.SIZE).set(JAVA_SHORT, StatxLayout.MODE, (short) type);
            return statAnswers[Math.min(stats[0]++, statAnswers.length - 1)];
          }
          return 0;
        });
    return DirectCalls.run(new Operation.ListDirectory(PATH, into));
  }

  private static int dirents(long address, String... names) {
    int at = 0;
    for (String name : names) {
      byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
      int length = (int) (DirentLayout.NAME + bytes.length + 1 + 7) & ~7;
      MemorySegment entry = SyscallTap.memory(address + at, length).fill((byte) 0);
      entry.set(JAVA_SHORT, DirentLayout.RECLEN, (short) length);
      entry.set(JAVA_BYTE, DirentLayout.TYPE, (byte) DirentLayout.DT_UNKNOWN);
      MemorySegment.copy(bytes, 0, entry, JAVA_BYTE, DirentLayout.NAME, bytes.length);
      at += length;
    }
    return at;
  }

  @Test
  void listing_ofUntoldTypes_asksForThemAgainWhenInterrupted() {
    List<DirectoryItem> items = new ArrayList<>();
    assertEquals(0, list(items, new int[] {-Errno.EINTR, -Errno.EINTR, 0}, Fcntl.S_IFDIR));
    assertEquals(List.of(new DirectoryItem(PATH.resolve("one"), true)), items);
    assertEquals(3, tap.calls(NR.statx()));
    assertEquals(1, tap.calls(NR.close()));
    assertEquals(0, list(items, new int[] {0}, Fcntl.S_IFREG));
    assertEquals(List.of(new DirectoryItem(PATH.resolve("one"), false)), items);
    assertEquals(0, list(items, new int[] {-Errno.ENOENT}, Fcntl.S_IFDIR));
    assertEquals(List.of(new DirectoryItem(PATH.resolve("one"), false)), items, "gone meanwhile");
    assertEquals(-Errno.EIO, list(items, new int[] {-Errno.EIO}, Fcntl.S_IFDIR));
    assertEquals(1, tap.calls(NR.close()), "the directory is left open");
    // An interrupt that does not end makes the listing as a whole begin anew, which is bounded too.
    assertEquals(-Errno.EINTR, list(items, new int[] {-Errno.EINTR}, Fcntl.S_IFDIR));
    assertEquals(tap.calls(NR.openat()), tap.calls(NR.close()));
    assertTrue(tap.calls(NR.statx()) <= MAX_CALLS * MAX_CALLS);
  }

  @Test
  void open_everyFlag_isCloseOnExecAndWhatTheKernelCallsIt() {
    Arch arch = Syscalls.arch();
    int always = Fcntl.O_CLOEXEC;
    assertEquals(always, KernelValues.openFlags(Set.of()));
    assertEquals(always | Fcntl.O_RDONLY, KernelValues.openFlags(Set.of(OpenFlag.READ)));
    assertEquals(always | Fcntl.O_WRONLY, KernelValues.openFlags(Set.of(OpenFlag.WRITE)));
    assertEquals(always | Fcntl.O_RDWR, KernelValues.openFlags(Set.of(OpenFlag.READ, OpenFlag.WRITE)));
    assertEquals(always | Fcntl.O_APPEND, KernelValues.openFlags(Set.of(OpenFlag.APPEND)));
    assertEquals(always | Fcntl.O_CREAT, KernelValues.openFlags(Set.of(OpenFlag.CREATE)));
    assertEquals(always | Fcntl.O_CREAT | Fcntl.O_EXCL, KernelValues.openFlags(Set.of(OpenFlag.CREATE_NEW)));
    assertEquals(always | Fcntl.O_TRUNC, KernelValues.openFlags(Set.of(OpenFlag.TRUNCATE)));
    assertEquals(always | arch.openDirect, KernelValues.openFlags(Set.of(OpenFlag.DIRECT)));
    assertEquals(always | Fcntl.O_DSYNC, KernelValues.openFlags(Set.of(OpenFlag.DSYNC)));
    assertEquals(always | Fcntl.O_SYNC, KernelValues.openFlags(Set.of(OpenFlag.SYNC)));
    assertEquals(always | arch.openNoFollow, KernelValues.openFlags(Set.of(OpenFlag.NO_FOLLOW)));
    assertEquals(always | arch.openDirectory, KernelValues.openFlags(Set.of(OpenFlag.DIRECTORY)));
  }

  /** Children must inherit neither files nor their locks. */
  @Test
  void open_aRealFile_isCloseOnExec() throws IOException {
    Path file = Files.createFile(directory.resolve("file"));
    int fd = DirectCalls.run(new Operation.Open(file, EnumSet.of(OpenFlag.READ), 0));
    assertTrue(fd >= 0);
    boolean closeOnExec = isCloseOnExec(fd);
    assertEquals(0, DirectCalls.run(new Operation.Close(fd)));
    assertTrue(closeOnExec);
    try (Arena arena = Arena.ofConfined()) {
      int plain = Syscalls.openat(Fcntl.AT_FDCWD, arena.allocateFrom(file.toString()), Fcntl.O_RDONLY, 0);
      boolean seen = isCloseOnExec(plain);
      assertEquals(0, Syscalls.close(plain));
      assertFalse(seen, "this test would not notice");
    }
  }

  private static boolean isCloseOnExec(int fd) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/fdinfo/" + fd))) {
      if (line.startsWith("flags:")) {
        return (Integer.parseInt(line.substring("flags:".length()).strip(), 8) & Fcntl.O_CLOEXEC) != 0;
      }
    }
    throw new AssertionError("no flags");
  }
}
