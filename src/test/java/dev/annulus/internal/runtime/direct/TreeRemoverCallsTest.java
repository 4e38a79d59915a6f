package dev.annulus.internal.runtime.direct;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Arch;
import dev.annulus.internal.abi.DirentLayout;
import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.testing.SyscallTap;
import dev.annulus.testing.SyscallTap.Call;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A tree that is only told of: every call is answered by the test, and every descriptor is the test's. */
@Timeout(60)
class TreeRemoverCallsTest {
  private static final Arch.Numbers NR = Syscalls.arch().numbers;
  private static final Path ROOT = Path.of("/some/name");
  private static final int FIRST_FD = 1_000_000;
  private static final int DT_REG = 8;

  /** Levels below the root, some more than are open at once. */
  private static final int DEPTH = 20;

  private static final int CLOSE_TRIES = 20;
  private static final int ELSEWHERE = 4711;
  private static final int NEVER = Integer.MAX_VALUE;

  /** Where the parent of a directory is. */
  enum Parents {
    THERE,
    UNREACHABLE,
    ELSEWHERE
  }

  private final SyscallTap tap = SyscallTap.ofThisThread();

  @AfterEach
  void close() {
    tap.close();
  }

  /** A directory within a directory, and so on. */
  private static final class Chain implements SyscallTap.Handler {
    final Parents parents;

    /** What is open, by level; and what has been listed. */
    final Map<Integer, Integer> open = new HashMap<>();

    final Set<Integer> listed = new HashSet<>();

    /** Calls, with levels in the place of descriptors. */
    final List<String> calls = new ArrayList<>();

    int left = DEPTH;
    boolean rootLeft = true;
    int opens;

    /** Which open gets descriptor 0. */
    int zeroAt = NEVER;

    /** Which call is cut by an error of the JVM, and how many more. */
    int cutAt = NEVER;

    int cuts;
    int statErrorsFrom = NEVER;
    int stats;

    Chain(Parents parents) {
      this.parents = parents;
    }

    private int level(long fd) {
      if (fd == Fcntl.AT_FDCWD) {
        return -1;
      }
      Integer level = open.get((int) fd);
      assertNotNull(level, () -> fd + " is not open");
      return level;
    }

    @Override
    public long answer(Call call) {
      int at = level(call.arguments().getFirst());
      boolean named = call.number() == NR.openat() || call.number() == NR.unlinkat();
      calls.add(call.number() + " at " + at + (named ? " " + SyscallTap.text(call.arguments().get(1)) : ""));
      if (calls.size() > cutAt && cuts > 0) {
        cuts--;
        throw new OutOfMemoryError("thrown by the test");
      }
      if (call.number() == NR.openat()) {
        return open(at, SyscallTap.text(call.arguments().get(1)));
      } else if (call.number() == NR.getdents64()) {
        return list(at, call.arguments().getFirst().intValue(), call.arguments().get(1));
      } else if (call.number() == NR.statx()) {
        SyscallTap.memory(call.arguments().get(4), StatxLayout.SIZE).set(JAVA_LONG, StatxLayout.INO, 100 + at);
        return stats++ >= statErrorsFrom ? -Errno.EIO : 0;
      } else if (call.number() == NR.close()) {
        assertNotNull(open.remove(call.arguments().getFirst().intValue()));
        return 0;
      }
      assertEquals(NR.unlinkat(), call.number());
      assertEquals(Fcntl.AT_REMOVEDIR, call.arguments().get(2));
      return remove(at, SyscallTap.text(call.arguments().get(1)));
    }

    private int open(int at, String name) {
      if (name.equals("..")) {
        return switch (parents) {
          case THERE -> opened(at - 1);
          case UNREACHABLE -> -Errno.EACCES;
          case ELSEWHERE -> opened(ELSEWHERE);
        };
      }
      int level = at < 0 ? 0 : Integer.parseInt(name);
      assertEquals(at + 1, level);
      return level <= left ? opened(level) : -Errno.ENOENT;
    }

    private int opened(int level) {
      int fd = opens++ == zeroAt ? 0 : FIRST_FD + opens;
      open.put(fd, level);
      boolean _ = listed.remove(fd);
      return fd;
    }

    private int list(int at, int fd, long address) {
      if (!listed.add(fd) || at >= left) {
        return 0;
      }
      return entry(address, Integer.toString(at + 1), DirentLayout.DT_DIR);
    }

    private int remove(int at, String name) {
      if (at < 0) {
        assertEquals(0, left, "not empty");
        rootLeft = false;
      } else {
        assertEquals(left, at + 1, "not empty");
        assertEquals(Integer.toString(left), name);
        left--;
      }
      return 0;
    }
  }

  private static int entry(long address, String name, int type) {
    byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
    int length = (int) (DirentLayout.NAME + bytes.length + 1 + 7) & ~7;
    MemorySegment entry = SyscallTap.memory(address, length).fill((byte) 0);
    entry.set(JAVA_SHORT, DirentLayout.RECLEN, (short) length);
    entry.set(JAVA_BYTE, DirentLayout.TYPE, (byte) type);
    MemorySegment.copy(bytes, 0, entry, JAVA_BYTE, DirentLayout.NAME, bytes.length);
    return length;
  }

  private int remove(Chain chain) {
    tap.forget();
    tap.answer(chain);
    int result = TreeRemover.remove(ROOT);
    assertEquals(Map.of(), chain.open, "left open");
    return result;
  }

  private Chain removed(Parents parents, int zeroAt) {
    Chain chain = new Chain(parents);
    chain.zeroAt = zeroAt;
    assertEquals(0, remove(chain));
    assertTrue(!chain.rootLeft && chain.left == 0);
    return chain;
  }

  /** As it may be had where the JVM was started without standard input. */
  @ParameterizedTest
  @EnumSource
  void remove_descriptorZero_isOneAsAnyOther(Parents parents) {
    Chain usual = removed(parents, NEVER);
    assertTrue(usual.opens > DEPTH + 1, "nothing was opened again");
    for (int at = 0; at < usual.opens; at++) {
      assertEquals(usual.calls, removed(parents, at).calls, "where open number " + at + " answers 0");
    }
  }

  /** A call that an error of the JVM cuts was not made. */
  @ParameterizedTest
  @EnumSource
  void remove_cutAtAnyCall_leavesNothingOpen(Parents parents) {
    int calls = removed(parents, NEVER).calls.size();
    for (int times : new int[] {1, CLOSE_TRIES}) {
      for (int at = 0; at < calls; at++) {
        Chain chain = new Chain(parents);
        chain.cutAt = at;
        chain.cuts = times;
        tap.forget();
        tap.answer(chain);
        boolean thrown = false;
        try {
          int _ = TreeRemover.remove(ROOT);
        } catch (OutOfMemoryError e) {
          thrown = true;
        }
        assertTrue(thrown, "call " + at + " was not made, and nobody is told");
        assertEquals(Map.of(), chain.open, "left open when call " + at + " is cut");
      }
    }
  }

  /** Also behind an error of the kernel's; but not for ever. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, CLOSE_TRIES - 1, CLOSE_TRIES, 1000})
  void remove_closeThatThrowsAtTheEnd_isTriedAgainButNotForEver(int times) {
    int[] left = {times};
    tap.answer(
        call -> {
          if (call.number() == NR.openat()) {
            return FIRST_FD;
          } else if (call.number() == NR.close() && left[0]-- > 0) {
            throw new OutOfMemoryError("thrown by the test");
          }
          return call.number() == NR.close() ? 0 : -Errno.EIO;
        });
    assertEquals(-Errno.EIO, TreeRemover.remove(ROOT));
    assertEquals(Math.min(times + 1, CLOSE_TRIES), tap.calls(NR.close()));
  }

  /** One that cannot be told from others may be another: nothing is removed in it. */
  @Test
  void remove_levelThatCannotBeToldOnTheWayUp_isBusy() {
    Chain usual = removed(Parents.THERE, NEVER);
    Chain chain = new Chain(Parents.THERE);
    chain.statErrorsFrom = usual.stats / 2;
    assertEquals(-Errno.EBUSY, remove(chain));
    assertTrue(chain.rootLeft && chain.left > 0);
  }

  /** And on the way down. */
  @Test
  void remove_levelThatCannotBeToldOnTheWayDown_isNotClosed() {
    Chain chain = new Chain(Parents.THERE);
    chain.statErrorsFrom = 0;
    assertEquals(-Errno.EIO, remove(chain));
    assertEquals(1, chain.stats);
    assertEquals(DEPTH, chain.left);
  }

  /** File systems in user space may have them. */
  @ParameterizedTest
  @ValueSource(ints = {255, 256, 257, 1000})
  void remove_nameLongerThanUsual_isPassedWhole(int length) {
    String name = "n".repeat(length);
    boolean[] listed = {false};
    List<String> removed = new ArrayList<>();
    tap.answer(
        call -> {
          if (call.number() == NR.openat()) {
            return FIRST_FD;
          } else if (call.number() == NR.getdents64() && !listed[0]) {
            listed[0] = true;
            return entry(call.arguments().get(1), name, DT_REG);
          } else if (call.number() == NR.unlinkat() && call.arguments().get(2) == 0) {
            removed.add(SyscallTap.text(call.arguments().get(1)));
          }
          return 0;
        });
    assertEquals(0, TreeRemover.remove(ROOT));
    assertEquals(List.of(name), removed);
  }
}
