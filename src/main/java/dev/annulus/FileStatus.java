package dev.annulus;

import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the file system knows of a file, as {@code statx(2)} gives it.
 *
 * @param size length in bytes
 * @param mode file type and permission bits, as in {@code st_mode}
 * @param inode the file's number on its device
 * @param device the number of the device the file is on
 * @param linkCount how many names the file has
 * @param userId numeric owner
 * @param groupId numeric group
 * @param blockSizeBytes preferred size of a transfer, in bytes
 * @param blocks storage taken, in units of 512 bytes
 * @param lastModifiedTime when the contents were last changed
 * @param lastAccessTime when the contents were last read, as far as the mount keeps it
 * @param lastChangeTime when contents or metadata were last changed
 * @param creationTime when the file was made; the modification time where the file system does not keep it
 */
public record FileStatus(
    long size,
    int mode,
    long inode,
    long device,
    int linkCount,
    int userId,
    int groupId,
    int blockSizeBytes,
    long blocks,
    FileTime lastModifiedTime,
    FileTime lastAccessTime,
    FileTime lastChangeTime,
    FileTime creationTime)
    implements BasicFileAttributes {
  private static final int TYPE = 0xf000;
  private static final int REGULAR = 0x8000;
  private static final int DIRECTORY = 0x4000;
  private static final int SYMBOLIC_LINK = 0xa000;

  /** Checks that the times are there. */
  public FileStatus {
    Objects.requireNonNull(lastModifiedTime, "lastModifiedTime");
    Objects.requireNonNull(lastAccessTime, "lastAccessTime");
    Objects.requireNonNull(lastChangeTime, "lastChangeTime");
    Objects.requireNonNull(creationTime, "creationTime");
  }

  @Override
  public boolean isRegularFile() {
    return (mode & TYPE) == REGULAR;
  }

  @Override
  public boolean isDirectory() {
    return (mode & TYPE) == DIRECTORY;
  }

  @Override
  public boolean isSymbolicLink() {
    return (mode & TYPE) == SYMBOLIC_LINK;
  }

  @Override
  public boolean isOther() {
    return !isRegularFile() && !isDirectory() && !isSymbolicLink();
  }

  /** {@inheritDoc} Equal for two names of one file. */
  @Override
  public Object fileKey() {
    return new FileKey(device, inode);
  }

  /**
   * The permission bits as {@code java.nio.file} names them.
   *
   * @return a new set
   */
  public Set<PosixFilePermission> permissions() {
    return Permissions.ofBits(mode);
  }

  /**
   * Compares by hand: what the JDK makes to compare a record of primitives keeps the record's class
   * loader for ever.
   */
  private record FileKey(long device, long inode) {
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof FileKey that && that.device == device && that.inode == inode;
    }

    @Override
    public int hashCode() {
      return 31 * Long.hashCode(device) + Long.hashCode(inode);
    }
  }
}
