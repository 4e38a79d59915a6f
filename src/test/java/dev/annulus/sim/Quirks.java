package dev.annulus.sim;

import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;

/** Decides, from a seed, when the kernel misbehaves, and counts it. */
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

  private final SplittableRandom random;
  private final Map<Quirk, Integer> perMille = new EnumMap<>(Quirk.class);
  private final Map<Quirk, Integer> seen = new EnumMap<>(Quirk.class);

  /** Chooses which quirks this kernel has, and how often. */
  public Quirks(long seed, Mood mood) {
    random = new SplittableRandom(seed);
    for (Quirk quirk : Quirk.values()) {
      boolean has = random.nextBoolean() && quirk.mostPerMille > 0 && allows(mood, quirk);
      perMille.put(quirk, has ? 1 + random.nextInt(quirk.mostPerMille) : 0);
    }
  }

  private static boolean allows(Mood mood, Quirk quirk) {
    return switch (quirk) {
      case IO_ERROR, NO_SPACE, CANCELLED_UNASKED, LOST_SYNC, CLOSE_INTERRUPTED -> mood.compareTo(Mood.HOSTILE) >= 0;
      case STALE_COMPLETION -> mood == Mood.BROKEN;
      default -> mood != Mood.CALM;
    };
  }

  /** Whether it happens now; then it is counted. */
  boolean happens(Quirk quirk) {
    int rate = perMille.getOrDefault(quirk, 0);
    if (rate == 0 || random.nextInt(1000) >= rate) {
      return false;
    }
    count(quirk);
    return true;
  }

  void count(Quirk quirk) {
    seen.merge(quirk, 1, Integer::sum);
  }

  /** A number from 0 up to but not including {@code bound}. */
  int below(int bound) {
    return random.nextInt(bound);
  }

  /** How often it has happened. */
  public int seen(Quirk quirk) {
    return seen.getOrDefault(quirk, 0);
  }

  /** How often each has happened. */
  public Map<Quirk, Integer> seen() {
    return new EnumMap<>(seen);
  }
}
