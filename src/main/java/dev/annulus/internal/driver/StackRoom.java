package dev.annulus.internal.driver;

/**
 * Sees to it that a thread has stack left for what must not be cut short: if there is not enough,
 * the overflow comes here, where nothing has been done yet.
 */
public final class StackRoom {
  /** Frames of some 64 bytes when compiled, and more when not. */
  private static final int FRAMES = 200;

  private StackRoom() {}

  /** Throws {@link StackOverflowError} if there is not enough. */
  public static void check() {
    long _ = descend(FRAMES, 1, 2, 3, 4);
  }

  private static long descend(int frames, long a, long b, long c, long d) {
    return frames == 0 ? a : descend(frames - 1, b, c, d, a + frames) + a - b ^ c + d;
  }
}
