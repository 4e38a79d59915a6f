package dev.annulus.internal.runtime.direct;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.annulus.internal.abi.Arch;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation.DirectoryItem;
import dev.annulus.testing.SyscallTap;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A directory that is listed is closed, whatever happens: all calls are answered by the test. */
@Timeout(60)
class DirectoryReaderTest {
  private static final Arch.Numbers NR = Syscalls.arch().numbers;
  private static final int FD = 1_000_042;
  private static final int CLOSE_TRIES = 10;
  private static final Path PATH = Path.of("/some/name");

  private final SyscallTap tap = SyscallTap.ofThisThread();
  private final List<DirectoryItem> items = new ArrayList<>(List.of(new DirectoryItem(PATH, false)));

  @AfterEach
  void close() {
    tap.close();
  }

  private void answer(int open, int list, int closesThatFail) {
    int[] closes = {0};
    tap.answer(
        call -> {
          if (call.number() == NR.openat()) {
            return open;
          } else if (call.number() == NR.getdents64()) {
            return list;
          }
          assertEquals(NR.close(), call.number());
          assertEquals(open, call.arguments().getFirst());
          if (closes[0]++ < closesThatFail) {
            throw new OutOfMemoryError("of the test");
          }
          return 0;
        });
  }

  @ParameterizedTest
  @ValueSource(ints = {0, FD})
  void list_itsErrorOrItsEnd_isToldAndTheDirectoryClosed(int fd) {
    for (int answer : new int[] {0, -Errno.EIO}) {
      answer(fd, answer, 0);
      tap.forget();
      assertEquals(answer, DirectoryReader.list(PATH, items));
      assertEquals(List.of(), items, "of the time before");
      assertEquals(1, tap.calls(NR.close()));
    }
  }

  @Test
  void list_ofWhatCannotBeOpened_closesNothingAndKeepsTheItems() {
    answer(-Errno.ENOENT, 0, 0);
    assertEquals(-Errno.ENOENT, DirectoryReader.list(PATH, items));
    assertEquals(1, items.size());
    assertEquals(1, tap.calls().size());
  }

  /** A close that throws was not begun. */
  @ParameterizedTest
  @ValueSource(ints = {1, CLOSE_TRIES - 1, CLOSE_TRIES, 1000})
  void list_closeThatThrows_isTriedAgainButNotForEver(int times) {
    answer(FD, 0, times);
    assertEquals(0, DirectoryReader.list(PATH, items));
    assertEquals(Math.min(times + 1, CLOSE_TRIES), tap.calls(NR.close()));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, CLOSE_TRIES - 1, CLOSE_TRIES, 1000})
  void list_cutShort_closesTheDirectory(int times) {
    for (int fd : new int[] {0, FD}) {
      answer(fd, 0, times);
      tap.forget();
      List<DirectoryItem> unchangeable = List.of(new DirectoryItem(PATH, false));
      assertThrows(UnsupportedOperationException.class, () -> DirectoryReader.list(PATH, unchangeable));
      assertEquals(Math.min(times + 1, CLOSE_TRIES), tap.calls(NR.close()));
    }
  }

  @Test
  void list_thatCannotEvenBegin_closesNothing() {
    tap.answer(
        _ -> {
          throw new OutOfMemoryError("of the test");
        });
    assertThrows(OutOfMemoryError.class, () -> DirectoryReader.list(PATH, items));
    assertEquals(1, tap.calls().size());
  }
}
