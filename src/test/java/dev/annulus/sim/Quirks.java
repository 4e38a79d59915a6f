package dev.annulus.sim;

import dev.annulus.internal.driver.Errno;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.Pattern;

/** Decides, from a seed, when the kernel misbehaves, and counts it. */
@SuppressWarnings("EnumOrdinal") // as places in arrays: it is asked for millions of times
public final class Quirks {
  /** How a kernel is inclined. */
  public enum Mood {
    /** No misbehaviour at all, and everything in order. */
    CALM,
    /** Everything but failures: each operation succeeds in the end. */
    ROUGH,
    /** Some of everything a real kernel does. */
    HOSTILE,
    /** As {@link #HOSTILE}, and stale completions, which no real kernel sends. */
    BROKEN
  }

  /** Quirks that are left out, by name: to see which of them a failure needs. */
  private static final List<String> LEFT_OUT = Pattern.compile(",").splitAsStream(System.getProperty("annulus.sim.without", "")).toList();

  /** What a device, or a file system in user space, has been seen to answer to a sync. */
  private static final int[] OF_A_SYNC = {
    Errno.EIO, Errno.ENOSPC, Errno.EDQUOT, Errno.EAGAIN, Errno.EINTR, Errno.EINVAL, Errno.EOPNOTSUPP, Errno.EROFS, Errno.ENOSYS,
    Errno.ECANCELED, Errno.EBADF, Errno.ENOMEM, Errno.EPERM, Errno.EACCES, Errno.EFBIG, Errno.EBUSY, Errno.ETIME, Errno.EFAULT,
    61 /* ENODATA */, 110 /* ETIMEDOUT */, 116 /* ESTALE */, 121 /* EREMOTEIO */, 84 /* EILSEQ */, 6 /* ENXIO */, 19 /* ENODEV */
  };

  private final SplittableRandom random;
  private final int[] perMille = new int[Quirk.values().length];
  private final int[] seen = new int[Quirk.values().length];

  /** Each errno that was answered to anything, as bits. */
  private final BitSet answered = new BitSet();

  /** Chooses which quirks this kernel has, and how often. */
  public Quirks(long seed, Mood mood) {
    random = new SplittableRandom(seed);
    for (Quirk quirk : Quirk.values()) {
      boolean has = random.nextBoolean() && quirk.mostPerMille > 0 && allows(mood, quirk);
      int rate = has ? 1 + random.nextInt(quirk.mostPerMille) : 0;
      perMille[quirk.ordinal()] = LEFT_OUT.contains(quirk.name()) ? 0 : rate;
    }
  }

  private static boolean allows(Mood mood, Quirk quirk) {
    return switch (quirk) {
      case IO_ERROR, NO_SPACE, CANCELLED_UNASKED, LOST_SYNC, CLOSE_INTERRUPTED, SYNC_REFUSED, CLOSE_FAILED, DEVICE_LIES, ZERO_WRITE,
          DONE_ALL_THE_SAME, LOST_UNASKED ->
          mood.compareTo(Mood.HOSTILE) >= 0;
      case STALE_COMPLETION -> mood == Mood.BROKEN;
      default -> mood != Mood.CALM;
    };
  }

  /** Whether it happens now; then it is counted. */
  boolean happens(Quirk quirk) {
    int rate = perMille[quirk.ordinal()];
    if (rate == 0 || random.nextInt(1000) >= rate) {
      return false;
    }
    count(quirk);
    return true;
  }

  void count(Quirk quirk) {
    seen[quirk.ordinal()]++;
  }

  /** A number from 0 up to but not including {@code bound}. */
  int below(int bound) {
    return random.nextInt(bound);
  }

  /** Some errno of a sync. */
  int errnoOfASync() {
    return LEFT_OUT.contains("ERRNOS") ? Errno.EIO : OF_A_SYNC[random.nextInt(OF_A_SYNC.length)];
  }

  /** Notes that an errno is answered. Returns it negated. */
  int answer(int errno) {
    answered.set(errno);
    return -errno;
  }

  /** Returns whether any operation was answered with an errno that the kernel made up. */
  public boolean wasAnswered(int errno) {
    return answered.get(errno);
  }

  /** Returns the quirks after a crash, which go on counting. These may then be used by what is still running, in any order. */
  public Quirks afterCrash(long seed, Mood mood) {
    Quirks next = new Quirks(seed, mood);
    System.arraycopy(seen, 0, next.seen, 0, seen.length);
    next.answered.or(answered);
    next.count(Quirk.REBOOTED);
    return next;
  }

  /** Returns how often it has happened. */
  public int seen(Quirk quirk) {
    return seen[quirk.ordinal()];
  }

  /** Returns how often each has happened that has. */
  public Map<Quirk, Integer> seen() {
    Map<Quirk, Integer> counts = new EnumMap<>(Quirk.class);
    for (Quirk quirk : Quirk.values()) {
      if (seen[quirk.ordinal()] > 0) {
        counts.put(quirk, seen[quirk.ordinal()]);
      }
    }
    return counts;
  }
}
