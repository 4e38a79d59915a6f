package dev.annulus.testing.fuse;

import org.jspecify.annotations.Nullable;

/** What a file system does with a {@link Request}, and what it says it did. */
public sealed interface Reply {
  /** Does the work and says so. */
  static Reply pass() {
    return Pass.INSTANCE;
  }

  /**
   * Fails without doing anything.
   *
   * <p>ENOSYS is remembered by the kernel for the life of the mount: it then no longer asks, and
   * reports success for syncs and flushes.
   */
  static Reply error(int errno) {
    return new Failure(positive(errno), false);
  }

  /** Does the work and nevertheless says that it failed. */
  static Reply errorAfter(int errno) {
    return new Failure(positive(errno), true);
  }

  /** Transfers at most so many bytes, 0 included, and says so. For reads and writes. */
  static Reply atMost(int bytes) {
    return new AtMost(bytes);
  }

  /** Says that everything was done and does nothing: a lie. For writes, syncs and flushes. */
  static Reply pretend() {
    return Pretence.INSTANCE;
  }

  /**
   * Does not answer until released, then passes. Interrupts are ignored. A hanging request takes no
   * thread.
   */
  static Hang hang() {
    return new Hang(pass(), null);
  }

  private static int positive(int errno) {
    if (errno <= 0) {
      throw new IllegalArgumentException("no errno: " + errno);
    }
    return errno;
  }

  /** See {@link #pass}. */
  enum Pass implements Reply {
    INSTANCE
  }

  /** See {@link #pretend}. */
  enum Pretence implements Reply {
    INSTANCE
  }

  /** See {@link #error} and {@link #errorAfter}. */
  record Failure(int errno, boolean after) implements Reply {}

  /** See {@link #atMost}. */
  record AtMost(int bytes) implements Reply {}

  /**
   * See {@link #hang}.
   *
   * @param released the answer when released
   * @param interrupted the answer when the kernel interrupts the request; {@code null} to ignore
   *     that
   */
  record Hang(Reply released, @Nullable Reply interrupted) implements Reply {
    public Hang {
      if (released instanceof Hang || interrupted instanceof Hang) {
        throw new IllegalArgumentException("a hang within a hang");
      }
    }

    /** The same, with another answer when released. */
    public Hang then(Reply answer) {
      return new Hang(answer, interrupted);
    }

    /** The same, with an answer when interrupted: {@code error(EINTR)} is what most servers say. */
    public Hang onInterrupt(Reply answer) {
      return new Hang(released, answer);
    }
  }
}
