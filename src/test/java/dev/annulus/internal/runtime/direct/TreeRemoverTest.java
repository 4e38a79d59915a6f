package dev.annulus.internal.runtime.direct;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Arch;
import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.testing.SyscallTap;
import dev.annulus.testing.SyscallTap.Call;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Objects;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Trees that change and fail while they are removed: each call of the removal may be answered by the test. */
@Timeout(60)
class TreeRemoverTest {
  private static final Arch.Numbers NR = Syscalls.arch().numbers;
  private static final int LEVELS = 40;

  /** The root and the deepest. */
  private static final int MAX_OPEN = 17;

  private static final int MAX_SCANS = 100;
  private static final int MAX_SURPRISES = 1000;

  @TempDir Path directory;

  private final SyscallTap tap = SyscallTap.ofThisThread();
  private int before;

  @BeforeEach
  void count() {
    before = descriptors();
  }

  @AfterEach
  void close() {
    tap.close();
  }

  /** Answers some call otherwise. */
  private void answer(SyscallTap.Handler handler) {
    tap.forget();
    tap.answer(handler);
  }

  private static int descriptors() {
    return Objects.requireNonNull(new File("/proc/self/fd").list()).length;
  }

  private void assertNothingLeftOpen() {
    assertEquals(before, descriptors(), "descriptors are left");
  }

  private static void join(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private Path tree() throws IOException {
    Path root = Files.createDirectory(directory.resolve("tree"));
    Path down = root;
    for (int i = 0; i < LEVELS; i++) {
      Path _ = Files.createFile(down.resolve("file"));
      down = Files.createDirectory(down.resolve("level" + i));
      if (i % 8 == 0) {
        Path _ = Files.createDirectory(down.resolveSibling("beside"));
      }
    }
    return root;
  }

  private static SyscallTap.Handler once(Predicate<Call> which, int errno) {
    boolean[] done = {false};
    return call -> {
      if (!done[0] && which.test(call)) {
        done[0] = true;
        return -errno;
      }
      return SyscallTap.PASS;
    };
  }

  private static boolean names(Call call, String name) {
    return SyscallTap.text(call.arguments().get(1)).equals(name);
  }

  private boolean isUnlink(Call call, int flags) {
    return call.number() == NR.unlinkat() && call.arguments().get(2) == flags;
  }

  private void assertRemoved(Path root) {
    assertEquals(0, TreeRemover.remove(root));
    assertFalse(Files.exists(root, LinkOption.NOFOLLOW_LINKS));
    assertNothingLeftOpen();
  }

  @Test
  void remove_deepTree_keepsFewDescriptorsOpen() throws IOException {
    Path root = tree();
    int[] most = {0};
    int[] again = {0};
    answer(
        call -> {
          again[0] += call.number() == NR.openat() && names(call, "..") ? 1 : 0;
          if (call.number() == NR.openat() || call.number() == NR.unlinkat()) {
            most[0] = Math.max(most[0], descriptors() - before);
          }
          return SyscallTap.PASS;
        });
    assertRemoved(root);
    assertEquals(MAX_OPEN, most[0], "open at once");
    assertEquals(LEVELS + 1 - MAX_OPEN, again[0], "levels that are opened again");
    assertTrue(tap.calls(NR.openat()) <= 3 * LEVELS, "each level is opened again more than once");
  }

  @Test
  void remove_whatIsNoDirectory_isLeftAlone() throws IOException {
    answer(_ -> SyscallTap.PASS);
    Path file = Files.createFile(directory.resolve("file"));
    Path target = Files.createDirectory(directory.resolve("target"));
    Path inTarget = Files.createFile(target.resolve("kept"));
    Path link = Files.createSymbolicLink(directory.resolve("link"), target);
    assertEquals(-Errno.ENOTDIR, TreeRemover.remove(file));
    assertEquals(-Errno.ENOTDIR, TreeRemover.remove(link));
    assertEquals(-Errno.ENOENT, TreeRemover.remove(directory.resolve("missing")));
    assertTrue(Files.exists(file) && Files.exists(inTarget) && Files.exists(link));
    assertNothingLeftOpen();
  }

  @Test
  void remove_linksWithin_areRemovedAndNotFollowed() throws IOException {
    Path outside = Files.createDirectory(directory.resolve("outside"));
    Path kept = Files.createFile(outside.resolve("kept"));
    Path root = tree();
    Path _ = Files.createSymbolicLink(root.resolve("link"), outside);
    Path _ = Files.createSymbolicLink(root.resolve("level0/link"), kept);
    assertRemoved(root);
    assertTrue(Files.exists(kept));
  }

  /** It was listed as a directory and is a link when it is entered. */
  @ParameterizedTest
  @ValueSource(ints = {Errno.ELOOP, Errno.ENOTDIR})
  void remove_directoryThatBecameSomethingElse_isUnlinkedAsThat(int errno) throws IOException {
    Path root = Files.createDirectory(directory.resolve("tree"));
    Path inner = Files.createDirectory(root.resolve("inner"));
    answer(
        call -> {
          if (call.number() == NR.openat() && names(call, "inner")) {
            return -errno;
          }
          if (isUnlink(call, 0) && names(call, "inner")) {
            assertTrue(inner.toFile().delete());
            return 0;
          }
          return SyscallTap.PASS;
        });
    assertRemoved(root);
  }

  @Test
  void remove_fileThatBecameADirectory_isEnteredAndRemoved() throws IOException {
    Path root = Files.createDirectory(directory.resolve("tree"));
    Path inner = Files.createFile(root.resolve("inner"));
    answer(
        call -> {
          if (isUnlink(call, 0) && names(call, "inner")) {
            assertTrue(inner.toFile().delete() && inner.toFile().mkdir());
            return -Errno.EISDIR;
          }
          return SyscallTap.PASS;
        });
    assertRemoved(root);
  }

  /** A directory when listed, a link when it is entered, a directory again when it is unlinked. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void remove_nameThatIsAlwaysSomethingElse_isRemovedAtLast(boolean emptied) throws IOException {
    Path root = Files.createDirectory(directory.resolve("tree"));
    Path inner = Files.createDirectory(root.resolve("inner"));
    Path link = Files.createSymbolicLink(directory.resolve("link"), directory);
    boolean[] swapped = {false, false};
    answer(
        call -> {
          boolean comes =
              emptied ? isUnlink(call, Fcntl.AT_REMOVEDIR) : call.number() == NR.openat();
          if (!swapped[0] && comes && names(call, "inner")) {
            swapped[0] = inner.toFile().delete() && link.toFile().renameTo(inner.toFile());
          } else if (!swapped[1] && isUnlink(call, 0) && names(call, "inner")) {
            swapped[1] = inner.toFile().delete() && inner.toFile().mkdir();
          }
          return SyscallTap.PASS;
        });
    assertRemoved(root);
    assertTrue(swapped[0] && swapped[1]);
  }

  /** As of a file system whose server says otherwise than the kernel remembers. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void remove_nameThatIsNeverWhatItWas_isGivenUp(boolean emptied) throws IOException {
    Path root = Files.createDirectory(directory.resolve("tree"));
    Path _ = Files.createDirectory(root.resolve("inner"));
    answer(
        call -> {
          boolean refused =
              emptied ? isUnlink(call, Fcntl.AT_REMOVEDIR) : call.number() == NR.openat();
          return refused && names(call, "inner") ? -Errno.ENOTDIR : SyscallTap.PASS;
        });
    assertEquals(-Errno.EBUSY, TreeRemover.remove(root));
    assertNothingLeftOpen();
    assertEquals(MAX_SURPRISES, tap.calls().stream().filter(call -> isUnlink(call, 0)).count());
  }

  @Test
  void remove_directoryThatSomebodyRemovesBeforeItIsListed_isFine() throws IOException {
    Path root = Files.createDirectory(directory.resolve("tree"));
    Path inner = Files.createDirectory(root.resolve("inner"));
    boolean[] entered = {false, false};
    answer(
        call -> {
          if (call.number() == NR.getdents64() && entered[0] && !entered[1]) {
            entered[1] = inner.toFile().delete();
          }
          entered[0] |= call.number() == NR.openat() && names(call, "inner");
          return SyscallTap.PASS;
        });
    assertRemoved(root);
    assertTrue(entered[1]);
  }

  /** Something was put in after it was listed. */
  @Test
  void remove_directoryThatIsNotEmptyAfterAll_isListedAgain() throws IOException {
    Path root = tree();
    answer(once(call -> isUnlink(call, Fcntl.AT_REMOVEDIR) && names(call, "level3"), Errno.ENOTEMPTY));
    assertRemoved(root);
    Path again = tree();
    answer(once(call -> isUnlink(call, Fcntl.AT_REMOVEDIR) && names(call, again.toString()), Errno.ENOTEMPTY));
    assertRemoved(again);
  }

  @Test
  void remove_directoryThatNeverGetsEmpty_isGivenUp() throws IOException {
    Path root = Files.createDirectory(directory.resolve("tree"));
    answer(call -> isUnlink(call, Fcntl.AT_REMOVEDIR) && names(call, root.toString()) ? -Errno.ENOTEMPTY : SyscallTap.PASS);
    assertEquals(-Errno.ENOTEMPTY, TreeRemover.remove(root));
    assertEquals(100, tap.calls(NR.unlinkat()));
    assertNothingLeftOpen();
  }

  /** The same of one that is not the root. */
  @Test
  void remove_innerDirectoryThatNeverGetsEmpty_isGivenUp() throws IOException {
    Path root = Files.createDirectory(directory.resolve("tree"));
    Path _ = Files.createDirectory(root.resolve("inner"));
    int[] roots = {0};
    int[] scans = {0};
    answer(
        call -> {
          roots[0] += call.number() == NR.openat() && names(call, root.toString()) ? 1 : 0;
          if (isUnlink(call, Fcntl.AT_REMOVEDIR) && names(call, "inner")) {
            scans[0]++;
            return -Errno.ENOTEMPTY;
          }
          return SyscallTap.PASS;
        });
    assertEquals(-Errno.ENOTEMPTY, TreeRemover.remove(root));
    assertEquals(MAX_SCANS, scans[0]);
    assertEquals(1, roots[0], "the root is not to be tried again for that");
    assertNothingLeftOpen();
  }

  @Test
  void remove_innerDirectoryThatCannotBeListedAgain_saysSo() throws IOException {
    Path root = Files.createDirectory(directory.resolve("tree"));
    Path _ = Files.createDirectory(root.resolve("inner"));
    boolean[] emptied = {false};
    answer(
        call -> {
          if (isUnlink(call, Fcntl.AT_REMOVEDIR) && names(call, "inner")) {
            emptied[0] = true;
            return -Errno.ENOTEMPTY;
          }
          return emptied[0] && call.number() == NR.openat() ? -Errno.EACCES : SyscallTap.PASS;
        });
    assertEquals(-Errno.EACCES, TreeRemover.remove(root));
    assertNothingLeftOpen();
  }

  /** More than there may be surprises: none of them is one. */
  @Test
  void remove_manyFilesAndDirectories_areRemovedByOneCallEach() throws IOException {
    Path root = Files.createDirectory(directory.resolve("tree"));
    int count = MAX_SURPRISES + 200;
    for (int i = 0; i < count; i++) {
      Path _ = Files.createFile(root.resolve("file" + i));
    }
    Path _ = Files.createDirectory(root.resolve("directory"));
    answer(_ -> SyscallTap.PASS);
    assertRemoved(root);
    assertEquals(count + 2, tap.calls(NR.unlinkat()));
    assertEquals(2, tap.calls(NR.openat()));
  }

  /** A level that was closed is listed anew, and what was in it is entered once all the same. */
  @Test
  void remove_levelsThatAreClosedMeanwhile_enterNothingTwice() throws IOException {
    Path down = Files.createDirectory(directory.resolve("tree"));
    for (int i = 0; i < LEVELS; i++) {
      for (int beside = 0; beside < 3; beside++) {
        Path _ = Files.createDirectory(down.resolve("beside" + beside + "of" + i));
      }
      down = Files.createDirectory(down.resolve("level" + i));
    }
    int[] entered = {0};
    answer(
        call -> {
          entered[0] += call.number() == NR.openat() && !names(call, "..") ? 1 : 0;
          return SyscallTap.PASS;
        });
    assertRemoved(directory.resolve("tree"));
    assertEquals(1 + 4 * LEVELS, entered[0]);
  }

  @Test
  void remove_interruptedAmongFiles_removesNoMoreOfThem() throws IOException {
    Path root = Files.createDirectory(directory.resolve("tree"));
    for (int i = 0; i < 10; i++) {
      Path _ = Files.createFile(root.resolve("file" + i));
    }
    answer(
        call -> {
          if (isUnlink(call, 0)) {
            Thread.currentThread().interrupt();
          }
          return SyscallTap.PASS;
        });
    assertEquals(-Errno.ECANCELED, TreeRemover.remove(root));
    assertTrue(Thread.interrupted());
    assertEquals(1, tap.calls(NR.unlinkat()));
    assertNothingLeftOpen();
  }

  @Test
  void remove_namesThatAreGoneMeanwhile_areFine() throws IOException {
    Path root = tree();
    Path file = root.resolve("file");
    answer(
        call -> {
          if (isUnlink(call, 0) && file.toFile().delete()) {
            return -Errno.ENOENT;
          }
          return SyscallTap.PASS;
        });
    assertRemoved(root);
  }

  /** Levels that were closed on the way down are opened again from their child; if that leads elsewhere, from the root. */
  @Test
  void remove_parentThatCannotBeReachedFromItsChild_isReachedFromTheRoot() throws IOException {
    Path root = tree();
    answer(call -> call.number() == NR.openat() && names(call, "..") ? -Errno.EACCES : SyscallTap.PASS);
    assertRemoved(root);
    Path again = tree();
    // The child was moved into another directory: its parent is not the one it was on the way down.
    answer(
        call -> {
          if (call.number() == NR.openat() && names(call, "..")) {
            return openDirectory(directory);
          }
          return SyscallTap.PASS;
        });
    assertEquals(0, TreeRemover.remove(again));
    assertFalse(Files.exists(again));
  }

  private static int openDirectory(Path path) {
    int[] fd = new int[1];
    join(
        Thread.ofPlatform()
            .start(
                () ->
                    fd[0] =
                        DirectCalls.run(
                            new Operation.Open(
                                path, EnumSet.of(OpenFlag.READ), 0))));
    return fd[0];
  }

  @Test
  void remove_levelThatIsNowhereAnyMore_isBusy() throws IOException {
    Path root = tree();
    boolean[] up = {false};
    answer(
        call -> {
          if (call.number() == NR.openat() && names(call, "..")) {
            up[0] = true;
            return -Errno.ENOENT;
          }
          return up[0] && call.number() == NR.openat() ? -Errno.ENOENT : SyscallTap.PASS;
        });
    assertEquals(-Errno.EBUSY, TreeRemover.remove(root));
    assertNothingLeftOpen();
    assertTrue(Files.exists(root));
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EMFILE, Errno.ENFILE})
  void remove_noDescriptorsLeftOnTheWayUp_saysSo(int errno) throws IOException {
    Path root = tree();
    boolean[] up = {false};
    answer(
        call -> {
          up[0] |= call.number() == NR.openat() && names(call, "..");
          return up[0] && call.number() == NR.openat() ? -errno : SyscallTap.PASS;
        });
    assertEquals(-errno, TreeRemover.remove(root));
    assertNothingLeftOpen();
  }

  /** Whatever fails, and wherever: the error is told, and no descriptor is left. */
  @Test
  void remove_anErrorAtAnyCall_isToldAndLeavesNothingOpen() throws IOException {
    int calls = 0;
    for (int at = 0; ; at++) {
      int failing = at;
      int[] seen = {0};
      boolean[] failed = {false};
      Path root = directory.resolve("tree");
      if (Files.exists(root)) {
        assertEquals(0, TreeRemover.remove(root));
      }
      Path _ = smallTree(root);
      answer(
          call -> {
            if (call.number() != NR.close() && seen[0]++ == failing) {
              failed[0] = true;
              return -Errno.EIO;
            }
            return SyscallTap.PASS;
          });
      int result = TreeRemover.remove(root);
      tap.answer(_ -> SyscallTap.PASS);
      assertNothingLeftOpen();
      if (!failed[0]) {
        assertEquals(0, result);
        break;
      }
      assertEquals(-Errno.EIO, result, "call " + at + " " + tap.calls());
      calls++;
    }
    assertTrue(calls >= 10, calls + " calls");
  }

  private static Path smallTree(Path root) throws IOException {
    Path _ = Files.createDirectories(root.resolve("a/b"));
    Path _ = Files.createFile(root.resolve("a/file"));
    Path _ = Files.createDirectory(root.resolve("c"));
    return root;
  }

  @Test
  void remove_interrupted_stopsAndLeavesNothingOpen() throws IOException {
    Path root = tree();
    answer(_ -> SyscallTap.PASS);
    Thread.currentThread().interrupt();
    assertEquals(-Errno.ECANCELED, TreeRemover.remove(root));
    assertTrue(Thread.interrupted());
    assertNothingLeftOpen();
    assertTrue(Files.exists(root.resolve("level0")));
    boolean[] first = {true};
    answer(
        call -> {
          if (isUnlink(call, 0) && first[0]) {
            first[0] = false;
            Thread.currentThread().interrupt();
          }
          return SyscallTap.PASS;
        });
    assertEquals(-Errno.ECANCELED, TreeRemover.remove(root));
    assertTrue(Thread.interrupted());
    assertEquals(1, tap.calls(NR.unlinkat()), "goes on although it was interrupted");
    assertNothingLeftOpen();
  }

  @Test
  void remove_namesOfEveryLength_arePassedWhole() throws IOException {
    Path root = Files.createDirectory(directory.resolve("tree"));
    for (int length : new int[] {1, 2, 100, 254, 255}) {
      Path _ = Files.createFile(root.resolve("f".repeat(length)));
      Path _ = Files.createDirectory(root.resolve("d".repeat(length)));
    }
    assertRemoved(root);
  }
}
