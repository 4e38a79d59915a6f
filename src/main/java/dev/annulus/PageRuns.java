package dev.annulus;

import java.util.Arrays;

/**
 * Which pages of a stretch of memory are free: a buddy allocator. Free runs are powers of two long and begin at multiples of their length; a
 * longer one is halved when a shorter one is wanted, and made whole again when both halves are free. Not safe for use by several threads.
 *
 * <p>{@link #take} and {@link #giveBack} call nothing, so that no error of the JVM's can leave them half done.
 */
final class PageRuns {
  static final int NONE = -1;

  private static final byte NOT_FREE = -1;

  private final int pages;

  /** By the first page of a run: the order (logarithm of the length) of a free one, {@link #NOT_FREE} of anything else. */
  private final byte[] freeOrder;

  /** The free runs of each order as a list with two directions. */
  private final int[] firstFree;

  private final int[] next;
  private final int[] previous;

  /**
   * @param pages how many there are: a power of two
   */
  PageRuns(int pages) {
    if (Integer.bitCount(pages) != 1) {
      throw new IllegalArgumentException("pages not a power of two: " + pages);
    }
    this.pages = pages;
    freeOrder = new byte[pages];
    next = new int[pages];
    previous = new int[pages];
    firstFree = new int[orderFor(pages) + 1];
    Arrays.fill(freeOrder, NOT_FREE);
    Arrays.fill(firstFree, NONE);
    giveBack(0, orderFor(pages));
  }

  /** The order of the shortest run that holds so many pages. */
  static int orderFor(int pages) {
    return pages <= 1 ? 0 : Integer.SIZE - Integer.numberOfLeadingZeros(pages - 1);
  }

  /** Takes a run of {@code 1 << order} pages; its first page, or {@link #NONE}. */
  int take(int order) {
    int found = order;
    while (found < firstFree.length && firstFree[found] == NONE) {
      found++;
    }
    if (found >= firstFree.length) {
      return NONE;
    }
    int page = firstFree[found];
    int after = next[page];
    firstFree[found] = after;
    if (after != NONE) {
      previous[after] = NONE;
    }
    freeOrder[page] = NOT_FREE;
    while (found > order) {
      // There is no free run of these orders: the second half is the first.
      found--;
      int half = page + (1 << found);
      freeOrder[half] = (byte) found;
      previous[half] = NONE;
      next[half] = NONE;
      firstFree[found] = half;
    }
    return page;
  }

  /** Gives a run back, as it was taken. */
  void giveBack(int page, int order) {
    int start = page;
    int length = order;
    while (1 << length < pages) {
      int buddy = start ^ (1 << length);
      if (freeOrder[buddy] != length) {
        break;
      }
      int before = previous[buddy];
      int after = next[buddy];
      if (before == NONE) {
        firstFree[length] = after;
      } else {
        next[before] = after;
      }
      if (after != NONE) {
        previous[after] = before;
      }
      freeOrder[buddy] = NOT_FREE;
      start &= buddy;
      length++;
    }
    int after = firstFree[length];
    freeOrder[start] = (byte) length;
    previous[start] = NONE;
    next[start] = after;
    if (after != NONE) {
      previous[after] = start;
    }
    firstFree[length] = start;
  }
}
