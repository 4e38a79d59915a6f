package dev.annulus.internal.runtime.direct;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Tells beforehand when storage for a range cannot be had. For ext4, and what lies upon it: when
 * {@code fallocate(2)} runs out of space there, the file keeps what it got until then. Others undo
 * it by themselves.
 *
 * <p>Giving it back afterwards would take a truncation, which could cut off what another process has
 * appended meanwhile.
 */
final class StorageRoom {
  private static final int REGULAR = 0x8000;
  private static final int SECTOR_BYTES = 512;

  /** What ext4 keeps from everybody: a 50th, but no more than so many blocks. */
  private static final int KEPT_PART = 50;

  private static final int MAX_KEPT_BLOCKS = 4096;

  /** For the file system's own notes on the blocks: so many of them, and this part of all. */
  private static final int NOTES_BLOCKS = 16;

  private static final int NOTES_PART = 1024;

  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String CAPABILITIES = "CapEff:";
  private static final int CAP_SYS_RESOURCE = 24;

  /** What users are called outside; in the first namespace all are called the same. */
  private static final Path USERS = Path.of("/proc/self/uid_map");

  private static final String ALL_USERS = " 4294967295";

  private StorageRoom() {}

  /** 0 if there may be room, else {@code -ENOSPC}. */
  static int check(int fd, long offset, long length) {
    StatResult file = new StatResult();
    if (DirectCalls.stat(fd, file) < 0 || (file.mode & Fcntl.S_IFMT) != REGULAR) {
      return 0; // allocating will tell
    }
    try {
      FileStore store = Files.getFileStore(Path.of("/proc/self/fd/" + fd));
      boolean keeps = store.type().startsWith("ext") || store.type().equals("overlay");
      return keeps && missing(file, offset, length) > room(store) ? -Errno.ENOSPC : 0;
    } catch (IOException | UnsupportedOperationException | SecurityException e) {
      return 0; // a file without a name, say
    }
  }

  /** How much of the range is not there yet, at least. */
  private static long missing(StatResult file, long offset, long length) {
    long there = file.blocks * SECTOR_BYTES;
    long block = Math.max(1, file.blockSizeBytes);
    long end = Math.ceilDiv(file.sizeBytes, block) * block;
    long behindEnd = Math.max(0, there - end);
    long overlap = Math.max(0, Math.min(offset + length, end) - offset);
    return length - Math.min(there, overlap + behindEnd);
  }

  private static long room(FileStore store) throws IOException {
    long block = store.getBlockSize();
    long free = store.getUsableSpace();
    if (mayUseReserve()) {
      long kept = Math.min(store.getTotalSpace() / KEPT_PART, MAX_KEPT_BLOCKS * block);
      free = Math.max(free, store.getUnallocatedSpace() - kept);
    }
    return free - free / NOTES_PART - NOTES_BLOCKS * block;
  }

  /** Whether this process may take what is reserved for the administrator. */
  private static boolean mayUseReserve() throws IOException {
    List<String> lines = Files.readAllLines(STATUS);
    for (String line : lines) {
      if (line.startsWith(CAPABILITIES)) {
        long bits = Long.parseUnsignedLong(line.substring(CAPABILITIES.length()).strip(), 16);
        return (bits >> CAP_SYS_RESOURCE & 1) != 0 && !isInUserNamespace();
      }
    }
    return false;
  }

  /** Then the capability is one in that namespace only, and the file system asks for the machine's. */
  private static boolean isInUserNamespace() throws IOException {
    return Files.exists(USERS) && !Files.readString(USERS).strip().endsWith(ALL_USERS);
  }
}
