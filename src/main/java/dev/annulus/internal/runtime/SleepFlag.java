package dev.annulus.internal.runtime;

import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * The one word by which the reaper and those who submit find each other: whether the reaper sleeps.
 *
 * <p>The reaper announces its sleep, then looks at its queues once more; a submitter fills the queue, then looks whether the
 * reaper sleeps. A full fence on each side between the store and the load makes it impossible for both to miss each other
 * (the store-load pattern of Dekker's algorithm). Of several submitters only the one that flips the flag is to wake the reaper.
 */
class SleepFlag {
  /** Running: will look at the queues before it sleeps. */
  private static final int AWAKE = 0;

  /** Sleeping until there is anything to do. */
  private static final int ASLEEP = 1;

  /** Sleeping with every slot taken: new requests could not be taken in, so only urgent matters wake it. */
  private static final int ASLEEP_FULL = 2;

  /** Somebody has ended the sleep, and wakes the sleeper. */
  private static final int ENDED = 3;

  /** Where in {@link #state}: more than a line of 64 bytes away from either end. */
  private static final int STATE = 32;

  /**
   * One number, {@link #AWAKE} at first, with room on both sides: every submitter reads it, and whatever changed in the same cache line would
   * take it from them.
   */
  private final AtomicIntegerArray state = new AtomicIntegerArray(2 * STATE + 1);

  /**
   * Any thread, after filling the intake queue: whether it has ended a sleep for lack of requests, and must wake the reaper. If it cannot, it
   * calls {@link #resume}.
   */
  final boolean endSleepForRequest() {
    submittersFence();
    return state.getOpaque(STATE) == ASLEEP && end(ASLEEP);
  }

  /** Any thread, after filling the urgent queue or changing the life cycle: whether it has ended a sleep, and must wake the reaper. */
  final boolean endSleep() {
    submittersFence();
    int seen = state.getOpaque(STATE);
    return (seen == ASLEEP || seen == ASLEEP_FULL) && end(seen);
  }

  private boolean end(int seen) {
    beforeEnd();
    return state.compareAndSet(STATE, seen, ENDED);
  }

  /**
   * Who has ended a sleep could not wake the sleeper: the next who comes is to. False if the sleeper has risen by itself, and counts on the
   * waking.
   */
  final boolean resume() {
    return state.compareAndSet(STATE, ENDED, ASLEEP);
  }

  /** Any thread: whether a request that came now would have to end a sleep. */
  final boolean isAsleep() {
    return state.getOpaque(STATE) == ASLEEP;
  }

  /** Any thread: whether an urgent matter that came now would have to end a sleep. */
  final boolean isAsleepAtAll() {
    int seen = state.getOpaque(STATE);
    return seen == ASLEEP || seen == ASLEEP_FULL;
  }

  /** Reaper: announces sleep. It must look at its queues after this and before it waits, and call {@link #rise} in any case. */
  final void lieDown(boolean full) {
    state.setOpaque(STATE, full ? ASLEEP_FULL : ASLEEP);
    sleepersFence();
  }

  /** Reaper: ends the announced sleep. True if someone else has ended it, who then wakes it, or has yet to. */
  final boolean rise() {
    return state.getAndSet(STATE, AWAKE) == ENDED;
  }

  /** A sleep is about to be ended: the last moment to fail for want of what the waking will need. */
  void beforeEnd() {}

  /** Between the store to the queue and the look at the flag. Overridden only to show what happens without it. */
  void submittersFence() {
    VarHandle.fullFence();
  }

  /** Between the store to the flag and the look at the queues. Overridden only to show what happens without it. */
  void sleepersFence() {
    VarHandle.fullFence();
  }
}
