package dev.annulus.adapter.lucene;

/**
 * How much an input reads at once, in bytes. What lies in the page that is read anyway costs nothing more, so reads end at the end of
 * a page; where the next one goes on where the last ended, it takes twice as much, up to a limit.
 *
 * @param page what the system reads at least, and what reads and prefetches are aligned to
 * @param shortest what a read brings at least behind the place where it begins; far less would soon be followed by the next
 * @param longest the most a buffer holds
 * @param longestSequential the most a buffer holds where the file is known to be read from end to end
 * @param block what one prefetching operation reads at most
 * @param blocks how many of those a directory has memory for; 0 to prefetch nothing
 */
record ReadSizes(int page, int shortest, int longest, int longestSequential, int block, int blocks) {
  private static final int PAGE = 4096;
  private static final int SHORTEST = 1024;
  private static final int LONGEST = 16 * 1024;
  private static final int LONGEST_SEQUENTIAL = 64 * 1024;
  private static final int BLOCK = 64 * 1024;

  static ReadSizes withPrefetchMemory(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("negative maxPrefetchBytes: " + bytes);
    }
    return new ReadSizes(
        PAGE, SHORTEST, LONGEST, LONGEST_SEQUENTIAL, BLOCK, (int) Math.min(Integer.MAX_VALUE, bytes / BLOCK));
  }

  long pageStart(long position) {
    return position - position % page;
  }

  /** The end of the page that holds the last byte before {@code position}. */
  long pageEnd(long position) {
    long into = position % page;
    return into == 0 ? position : position - into + page;
  }
}
