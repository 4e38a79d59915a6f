package dev.annulus.internal.driver;

/**
 * Where a driver puts what it found out about a file. Filled by one thread before the operation's completion and read after it;
 * the completion orders the two.
 */
public final class StatResult {
  public long sizeBytes;
  /** File type and permission bits as in {@code st_mode}. */
  public int mode;

  public long inode;
  public long device;
  public int linkCount;
  public int userId;
  public int groupId;
  public int blockSizeBytes;
  /** Storage taken, in units of 512 bytes. */
  public long blocks;

  public long modifiedSeconds;
  public int modifiedNanos;
  public long accessedSeconds;
  public int accessedNanos;
  public long changedSeconds;
  public int changedNanos;
  /** When the file was made; the modification time where the file system does not keep it. */
  public long createdSeconds;

  public int createdNanos;

  /** Whether the file system tells what direct I/O wants; else the two below mean nothing. */
  public boolean directAlignmentKnown;

  /** What buffers' addresses, and positions and lengths, must be multiples of; both 0 for a file without direct I/O. */
  public int directMemoryBytes;

  public int directPositionBytes;
}
