package dev.annulus.internal.runtime.direct;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Operation.DirectoryItem;
import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names as bytes: those that are no text too. */
class NativePathsTest {
  @TempDir Path directory;

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  @Test
  void toCString_anyPath_endsWithZeroAndIsNotLonger() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment string = NativePaths.toCString(Path.of("/a/b c%"), arena);
      assertArrayEquals(ascii("/a/b c%\0"), string.toArray(JAVA_BYTE));
    }
  }

  /** It stays as short as it is where the JVM's directory is that of the process; and the memory may have been used before. */
  @Test
  void toCString_aRelativePathInUsedMemory_isTheNameAndAZero() throws IOException {
    assumeTrue(Path.of("/proc/self/cwd").toRealPath().equals(Path.of("").toAbsolutePath()));
    MemorySegment used = Arena.ofAuto().allocate(16).fill((byte) 'x');
    MemorySegment string = NativePaths.toCString(Path.of("a/b"), SegmentAllocator.prefixAllocator(used));
    assertArrayEquals(ascii("a/b\0"), string.toArray(JAVA_BYTE));
  }

  @Test
  void bytes_ofTheEmptyPath_areTheDirectoryItself() {
    assertArrayEquals(ascii("."), NativePaths.bytes(Path.of("")));
  }

  /** Bytes that are no text in any encoding come back as they were, and name the same file. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void names_thatAreNoText_nameTheirFiles(boolean isDirectory) throws Exception {
    byte[] odd = {'o', (byte) 0xff, '%', '2', '0', (byte) 0xc3, ' ', (byte) 0x80};
    byte[] parent = ascii(directory.toString() + "/");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment path = arena.allocate(parent.length + odd.length + 1L);
      MemorySegment.copy(parent, 0, path, JAVA_BYTE, 0, parent.length);
      MemorySegment.copy(odd, 0, path, JAVA_BYTE, parent.length, odd.length);
      if (isDirectory) {
        assertEquals(0, Syscalls.mkdirat(Fcntl.AT_FDCWD, path, 0700));
      } else {
        int fd = Syscalls.openat(Fcntl.AT_FDCWD, path, Fcntl.O_CREAT | Fcntl.O_RDWR | Fcntl.O_CLOEXEC, 0600);
        assertTrue(fd >= 0);
        assertEquals(0, Syscalls.close(fd));
      }
    }
    List<DirectoryItem> items = new ArrayList<>();
    assertEquals(0, DirectCalls.run(new Operation.ListDirectory(directory, items)));
    assertEquals(1, items.size());
    DirectoryItem item = items.getFirst();
    assertEquals(isDirectory, item.directory());
    byte[] whole = NativePaths.bytes(item.path());
    byte[] name = new byte[odd.length];
    System.arraycopy(whole, whole.length - odd.length, name, 0, odd.length);
    assertArrayEquals(odd, name);
    assertEquals(parent.length + odd.length, whole.length);
    assertEquals(0, DirectCalls.run(new Operation.StatPath(item.path(), false, new StatResult())));
    assertEquals(0, DirectCalls.run(new Operation.Remove(item.path(), isDirectory)));
    items.clear();
    assertEquals(0, DirectCalls.run(new Operation.ListDirectory(directory, items)));
    assertEquals(List.of(), items);
  }

  /** Such a name is found through its whole path. */
  @Test
  void names_thatBeginWithWhatIsNoText_keepTheirBytes() {
    byte[] odd = {(byte) 0xff, 'a'};
    byte[] child = NativePaths.bytes(NativePaths.resolve(directory, odd));
    byte[] parent = ascii(directory + "/");
    assertArrayEquals(odd, Arrays.copyOfRange(child, parent.length, child.length));
    byte[] relative = NativePaths.bytes(NativePaths.resolve(Path.of(""), odd));
    byte[] here = ascii(Path.of("").toAbsolutePath() + "/");
    assertArrayEquals(odd, Arrays.copyOfRange(relative, here.length, relative.length));
  }

  @Test
  void resolve_aPlainName_isTheChild() {
    assertEquals(directory.resolve("plain"), NativePaths.resolve(directory, ascii("plain")));
  }
}
