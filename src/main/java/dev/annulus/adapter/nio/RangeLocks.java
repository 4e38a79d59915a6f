package dev.annulus.adapter.nio;

import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileLock;
import java.nio.channels.FileLockInterruptionException;
import java.nio.channels.OverlappingFileLockException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The locks of one channel, taken through a {@link SecondChannel}: they are the JDK's own, so that all Java programs and all channels of
 * this one respect them, with {@link OverlappingFileLockException} inside it.
 *
 * <p>Waiting is asking again and again: a wait inside the JDK would be ended by an interrupt, which closes the channel and drops all
 * locks. So that others of this JVM meet the overlap while somebody waits, as the JDK has it, the ranges waited for are kept here.
 */
final class RangeLocks {
  private static final long SHORTEST_WAIT_NANOS = TimeUnit.MICROSECONDS.toNanos(200);
  private static final long LONGEST_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /** The ranges that are being asked for in this JVM, and some that were. Guarded by itself. */
  private static final List<Claim> CLAIMS = new ArrayList<>();

  private final SecondChannel channel;

  RangeLocks(SecondChannel channel) {
    this.channel = channel;
  }

  /** A range somebody asks for. */
  static final class Claim {
    private final Object key;
    private final long position;
    private final long size;
    private final boolean shared;

    /** Nobody asks any more. A write alone, which no error of the JVM can cut; who comes next takes it out of the list. */
    private volatile boolean over;

    private Claim(Object key, long position, long size, boolean shared) {
      this.key = key;
      this.position = position;
      this.size = size;
      this.shared = shared;
    }

    boolean overlaps(Claim other) {
      return key.equals(other.key) && position < other.position + other.size && other.position < position + size;
    }
  }

  /** What a size of 0 means: to the end of all files. Refuses what is no range as {@link FileLock} would. */
  static long sizeOf(long position, long size) {
    if (position < 0) {
      throw new IllegalArgumentException("Negative position");
    }
    if (size < 0) {
      throw new IllegalArgumentException("Negative size");
    }
    if (size > Long.MAX_VALUE - position) {
      throw new IllegalArgumentException("Negative position + size");
    }
    return size == 0 ? Long.MAX_VALUE - position : size;
  }

  /** Takes a lock of the JDK's if it is free; {@code null} if another process has it. */
  @Nullable FileLock tryLock(long position, long size, boolean shared) throws IOException {
    Claim claim = claim(position, size, shared);
    try {
      return attempt(claim);
    } finally {
      claim.over = true;
    }
  }

  /** Takes a lock of the JDK's, waiting for it. An interrupt ends the wait and stays pending; closing ends it too. */
  FileLock lock(long position, long size, boolean shared) throws IOException {
    return await(claim(position, size, shared));
  }

  /** Reserves a range. */
  Claim claim(long position, long size, boolean shared) throws IOException {
    Claim claim = new Claim(channel.key(), position, sizeOf(position, size), shared);
    synchronized (CLAIMS) {
      CLAIMS.removeIf(other -> other.over);
      if (CLAIMS.stream().anyMatch(claim::overlaps)) {
        throw new OverlappingFileLockException();
      }
      CLAIMS.add(claim);
    }
    return claim;
  }

  /** One attempt at a range that is reserved, which it still is afterwards unless this fails. */
  @Nullable FileLock attemptOrGiveUp(Claim claim) throws IOException {
    try {
      return attempt(claim);
    } catch (Throwable e) {
      claim.over = true;
      throw e;
    }
  }

  private @Nullable FileLock attempt(Claim claim) throws IOException {
    return channel.get("locking").tryLock(claim.position, claim.size, claim.shared);
  }

  /** Waits for a range that is reserved, and ends the reservation. */
  FileLock await(Claim claim) throws IOException {
    try {
      FileLock lock = null;
      for (long pause = SHORTEST_WAIT_NANOS; lock == null; pause = Math.min(2 * pause, LONGEST_WAIT_NANOS)) {
        if (Thread.currentThread().isInterrupted()) {
          throw new FileLockInterruptionException();
        }
        lock = attempt(claim);
        if (lock == null) {
          LockSupport.parkNanos(this, pause);
        }
      }
      return lock;
    } catch (ClosedChannelException e) {
      IOException closedMeanwhile = new AsynchronousCloseException();
      closedMeanwhile.initCause(e);
      throw closedMeanwhile;
    } finally {
      claim.over = true;
    }
  }

  /** Ends a reservation. */
  static void giveUp(Claim claim) {
    claim.over = true;
  }
}
