package dev.annulus;

import static dev.annulus.Futures.get;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.SPARSE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * Transfers of more than the kernel does in one operation, 2 GiB less a page. The files are sparse and the memory mostly
 * untouched, but reading touches all of it.
 */
abstract class LargeTransferContract extends BackendContract {
  private static final long ONE_OPERATION = 0x7ffff000L;
  private static final long SIZE = ONE_OPERATION + (64 << 20) + 5;

  /** Places where something may go wrong: the ends, and both sides of where one operation ends. */
  private static final long[] MARKS = {0, ONE_OPERATION - 8, ONE_OPERATION, ONE_OPERATION + 4_096, SIZE - 8};

  /** These take half a minute where memory and disk are slow, so they are asked for by name. */
  private void needs(long memory, long disk) throws IOException {
    long freeMemory = Processes.availableMemory();
    long freeDisk = Files.getFileStore(dir).getUsableSpace();
    String lack =
        !Boolean.getBoolean("annulus.large")
            ? "run with -Dannulus.large=true to move gigabytes"
            : freeMemory < memory
                ? "needs " + memory + " bytes of memory, there are " + freeMemory
                : freeDisk < disk ? "needs " + disk + " bytes of disk, there are " + freeDisk : "";
    if (!lack.isEmpty()) {
      System.out.println("skipped: " + lack);
    }
    assumeTrue(lack.isEmpty(), lack);
  }

  @Test
  void readFully_ofMoreThanOneOperation_readsEverything() throws Exception {
    needs(8L << 30, 1L << 30);
    try (Arena arena = Arena.ofShared();
        AsyncFile file = sparseFileWithMarks()) {
      MemorySegment memory = arena.allocate(SIZE);
      long once = get(file.read(memory, 0));
      assertTrue(once > 0 && once <= ONE_OPERATION, "read at once: " + once);
      MemorySegment cleared = memory.fill((byte) 0);
      assertNull(get(file.readFully(cleared, 0)));
      for (long mark : MARKS) {
        assertEquals(~mark, memory.get(JAVA_LONG.withByteAlignment(1), mark), "at " + mark);
      }
      // The longest buffer there is, also longer than one operation, and at an odd place.
      int most = Integer.MAX_VALUE - 8;
      ByteBuffer longest = cleared.fill((byte) 1).asSlice(0, most).asByteBuffer();
      assertNull(get(file.readFully(longest, SIZE - most)));
      assertEquals(0, longest.remaining());
      assertEquals(~(SIZE - 8), memory.get(JAVA_LONG.withByteAlignment(1), most - 8L));
      assertEquals(0, memory.get(JAVA_BYTE, most - 100L));
    }
  }

  @Test
  void writeFully_ofMoreThanOneOperation_writesEverything() throws Exception {
    needs(8L << 30, 4L << 30);
    try (Arena arena = Arena.ofShared();
        AsyncFile file = open(missing(), READ, WRITE, CREATE, SPARSE)) {
      MemorySegment memory = arena.allocate(SIZE);
      for (long mark : MARKS) {
        memory.set(JAVA_LONG.withByteAlignment(1), mark, ~mark);
      }
      assertNull(get(file.writeFully(memory, 3)));
      assertEquals(SIZE + 3, get(file.size()));
      for (long mark : MARKS) {
        MemorySegment eight = arena.allocate(8);
        assertNull(get(file.readFully(eight, mark + 3)));
        assertEquals(~mark, eight.get(JAVA_LONG, 0), "at " + mark);
      }
      assertNull(get(file.truncate(0)));
    }
  }

  private AsyncFile sparseFileWithMarks() throws Exception {
    Path path = missing();
    AsyncFile file = open(path, READ, WRITE, CREATE, SPARSE);
    for (long mark : MARKS) {
      MemorySegment eight = Arena.ofAuto().allocate(8);
      eight.set(JAVA_LONG, 0, ~mark);
      assertNull(get(file.writeFully(eight, mark)));
    }
    return file;
  }
}
