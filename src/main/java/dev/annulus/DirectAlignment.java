package dev.annulus;

/**
 * What direct I/O on a file wants to be aligned, as {@code statx(2)} tells it ({@code STATX_DIOALIGN}). Direct I/O is that of a file opened
 * with {@link IoOpenOption#DIRECT}.
 *
 * @param memoryBytes addresses of buffers must be multiples of this
 * @param positionBytes positions in the file and lengths of transfers must be multiples of this
 * @param supported whether the file can be used with direct I/O at all; where that is not known, true
 * @param known whether the system has told the numbers. Else they are a careful guess: they suffice on all common devices, but fewer may do,
 *     and only a try tells whether the file system supports direct I/O
 */
public record DirectAlignment(int memoryBytes, int positionBytes, boolean supported, boolean known) {
  /** Enough for every page size that a device's blocks are likely to have. */
  private static final int GUESSED_BYTES = 4096;

  private static final int LARGEST_GUESS_BYTES = 128 * 1024;

  /** Checks that both numbers are powers of two. */
  public DirectAlignment {
    checkPowerOfTwo("memoryBytes", memoryBytes);
    checkPowerOfTwo("positionBytes", positionBytes);
  }

  /** As the system told it: 0 and 0 for a file that cannot be used so. */
  static DirectAlignment told(int memoryBytes, int positionBytes) {
    boolean supported = memoryBytes > 0 && positionBytes > 0;
    return supported
        ? new DirectAlignment(memoryBytes, positionBytes, true, true)
        : new DirectAlignment(GUESSED_BYTES, GUESSED_BYTES, false, true);
  }

  /** Where the system does not tell: a page, or the file system's block if that is larger. */
  static DirectAlignment guessed(int blockSizeBytes) {
    boolean larger =
        blockSizeBytes > GUESSED_BYTES && blockSizeBytes <= LARGEST_GUESS_BYTES && Integer.bitCount(blockSizeBytes) == 1;
    int bytes = larger ? blockSizeBytes : GUESSED_BYTES;
    return new DirectAlignment(bytes, bytes, true, false);
  }

  /**
   * Whether a transfer is aligned.
   *
   * @param address of the buffer's first byte in native memory
   * @param position in the file, in bytes
   * @param length of the transfer, in bytes
   * @return whether all three are
   */
  public boolean fits(long address, long position, long length) {
    return isMultiple(address, memoryBytes) && isMultiple(position, positionBytes) && isMultiple(length, positionBytes);
  }

  /**
   * The next position or length that is aligned.
   *
   * @param bytes a position or length
   * @return the smallest multiple of {@link #positionBytes} that is not less
   */
  public long roundUp(long bytes) {
    return Math.addExact(bytes, positionBytes - 1) & -positionBytes;
  }

  /**
   * The last position or length that is aligned.
   *
   * @param bytes a position or length
   * @return the largest multiple of {@link #positionBytes} that is not greater
   */
  public long roundDown(long bytes) {
    return bytes & -positionBytes;
  }

  /** What a refused transfer should have been like, to be put behind what was refused. */
  String explain(long address, long position, long length) {
    if (!supported) {
      return "; the file cannot be used with direct I/O: open it without " + IoOpenOption.DIRECT;
    }
    String needs = known ? "; direct I/O on this file needs " : "; direct I/O on this file may need (the system does not tell) ";
    StringBuilder text =
        new StringBuilder(needs)
            .append("position and length aligned to ")
            .append(positionBytes)
            .append(" bytes and memory aligned to ")
            .append(memoryBytes);
    String separator = ": ";
    if (!isMultiple(position, positionBytes)) {
      text.append(separator).append("the position ").append(position).append(" is not");
      separator = ", ";
    }
    if (!isMultiple(length, positionBytes)) {
      text.append(separator).append("the length ").append(length).append(" is not");
      separator = ", ";
    }
    if (!isMultiple(address, memoryBytes)) {
      text.append(separator).append("the address 0x").append(Long.toHexString(address)).append(" is not");
    }
    return text.toString();
  }

  private static boolean isMultiple(long value, int powerOfTwo) {
    return (value & (powerOfTwo - 1)) == 0;
  }

  private static void checkPowerOfTwo(String name, int value) {
    if (Integer.bitCount(value) != 1 || value < 0) {
      throw new IllegalArgumentException(name + " must be a power of two: " + value);
    }
  }
}
