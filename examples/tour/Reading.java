package tour;

import java.io.IOException;

/** A way of reading blocks at random places. */
interface Reading {
  /**
   * Reads, and checks every block that was read.
   *
   * @param deadline when to stop, on the clock of {@link System#nanoTime}
   * @return how many blocks were read
   */
  long readUntil(long deadline) throws IOException;

  static boolean isPast(long deadline) {
    return System.nanoTime() - deadline >= 0;
  }
}
