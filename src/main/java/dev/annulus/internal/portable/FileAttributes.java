package dev.annulus.internal.portable;

import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What {@code java.nio.file} tells of a file: on Unix what {@code stat(2)} says; elsewhere what every file system knows, the rest
 * being 0.
 *
 * @param key says whether two files are the same
 * @param mode type and permission bits
 */
record FileAttributes(
    Object key,
    int mode,
    long inode,
    long device,
    int linkCount,
    int userId,
    int groupId,
    long size,
    FileTime modified,
    FileTime accessed,
    FileTime changed,
    FileTime created,
    int blockSize) {
  private static final int TYPE = 0xf000;
  private static final int FIFO_OR_OTHER = 0x1000;
  private static final int DIRECTORY = 0x4000;
  private static final int REGULAR = 0x8000;
  private static final int SYMBOLIC_LINK = 0xa000;
  private static final int EVERYTHING_ALLOWED = 0x1ff;
  private static final int BYTES_PER_BLOCK = 512;
  private static final int USUAL_BLOCK_SIZE = 4096;

  private static final boolean UNIX = FileSystems.getDefault().supportedFileAttributeViews().contains("unix");
  private static final String UNIX_NAMES =
      "unix:mode,ino,dev,nlink,uid,gid,size,lastModifiedTime,lastAccessTime,ctime,creationTime,fileKey";

  /** Block sizes by device: finding one out reads the table of mounts. */
  private static final Map<Long, Integer> BLOCK_SIZES = new ConcurrentHashMap<>();

  static FileAttributes read(Path path, LinkOption... links) throws IOException {
    try {
      return readAsTold(path, links);
    } catch (NoSuchFileException e) {
      throw isBelowAFile(path) ? new NotDirectoryException(path.toString()) : e;
    }
  }

  private static FileAttributes readAsTold(Path path, LinkOption... links) throws IOException {
    return UNIX ? readUnix(path, links) : readBasic(path, links);
  }

  /** The JDK does not tell a path through something that is no directory from one whose file is missing. */
  private static boolean isBelowAFile(Path path) {
    for (Path above = path.toAbsolutePath().getParent(); above != null; above = above.getParent()) {
      FileAttributes found = readIfThere(above);
      if (found != null) {
        return !found.isDirectory();
      }
    }
    return false;
  }

  /** As {@link #read}, or {@code null} if they cannot be read. */
  static @Nullable FileAttributes readIfThere(Path path, LinkOption... links) {
    try {
      return readAsTold(path, links);
    } catch (IOException e) {
      return null;
    }
  }

  /** Of a regular file that lost its name before it could be asked for its attributes. */
  static FileAttributes ofNameless() {
    FileTime never = FileTime.from(Instant.EPOCH);
    return new FileAttributes(
        new Object(), REGULAR, 0, 0, 0, 0, 0, 0, never, never, never, never, USUAL_BLOCK_SIZE);
  }

  private static FileAttributes readUnix(Path path, LinkOption... links) throws IOException {
    Map<String, Object> values = Files.readAttributes(path, UNIX_NAMES, links);
    long device = number(values, "dev").longValue();
    return new FileAttributes(
        Objects.requireNonNull(values.get("fileKey")),
        number(values, "mode").intValue(),
        number(values, "ino").longValue(),
        device,
        number(values, "nlink").intValue(),
        number(values, "uid").intValue(),
        number(values, "gid").intValue(),
        number(values, "size").longValue(),
        time(values, "lastModifiedTime"),
        time(values, "lastAccessTime"),
        time(values, "ctime"),
        time(values, "creationTime"),
        blockSize(path, device));
  }

  static FileAttributes readBasic(Path path, LinkOption... links) throws IOException {
    BasicFileAttributes basic = Files.readAttributes(path, BasicFileAttributes.class, links);
    int type =
        basic.isRegularFile()
            ? REGULAR
            : basic.isDirectory() ? DIRECTORY : basic.isSymbolicLink() ? SYMBOLIC_LINK : FIFO_OR_OTHER;
    Object key = basic.fileKey();
    return new FileAttributes(
        key != null ? key : path.toRealPath(links),
        type | EVERYTHING_ALLOWED,
        0,
        0,
        1,
        0,
        0,
        basic.size(),
        basic.lastModifiedTime(),
        basic.lastAccessTime(),
        basic.lastModifiedTime(),
        basic.creationTime(),
        USUAL_BLOCK_SIZE);
  }

  boolean isDirectory() {
    return (mode & TYPE) == DIRECTORY;
  }

  boolean isRegular() {
    return (mode & TYPE) == REGULAR;
  }

  /** Fills a result. The storage taken is not known, and is told as if the file had no holes. */
  void fill(StatResult into) {
    into.mode = mode;
    into.inode = inode;
    into.device = device;
    into.linkCount = linkCount;
    into.userId = userId;
    into.groupId = groupId;
    into.blockSizeBytes = blockSize;
    fillSize(into, size);
    fillTimes(into);
  }

  private void fillTimes(StatResult into) {
    Instant modification = modified.toInstant();
    into.modifiedSeconds = modification.getEpochSecond();
    into.modifiedNanos = modification.getNano();
    Instant access = accessed.toInstant();
    into.accessedSeconds = access.getEpochSecond();
    into.accessedNanos = access.getNano();
    Instant change = changed.toInstant();
    into.changedSeconds = change.getEpochSecond();
    into.changedNanos = change.getNano();
    Instant creation = created.toInstant();
    into.createdSeconds = creation.getEpochSecond();
    into.createdNanos = creation.getNano();
  }

  static void fillSize(StatResult into, long size) {
    into.sizeBytes = size;
    into.blocks = Math.ceilDiv(size, (long) BYTES_PER_BLOCK);
  }

  private static int blockSize(Path path, long device) {
    Integer known = BLOCK_SIZES.get(device);
    if (known != null) {
      return known;
    }
    try {
      int size = Math.toIntExact(Files.getFileStore(path).getBlockSize());
      BLOCK_SIZES.put(device, size);
      return size;
    } catch (IOException | ArithmeticException | UnsupportedOperationException e) {
      return USUAL_BLOCK_SIZE;
    }
  }

  private static Number number(Map<String, Object> values, String name) {
    return (Number) Objects.requireNonNull(values.get(name));
  }

  private static FileTime time(Map<String, Object> values, String name) {
    return (FileTime) Objects.requireNonNull(values.get(name));
  }
}
