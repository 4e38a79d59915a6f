package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import org.jspecify.annotations.Nullable;

/**
 * A request in the pool. It is made before anything is taken, and has room for all that queueing,
 * running and ending it need: none of these allocates. State and links are guarded by the pool's
 * lock; the other fields belong to the thread that has the task.
 */
final class PoolTask {
  /** A task is in one of these states; whoever moves it to {@link #ENDING} ends the request. */
  enum State {
    NEW,
    QUEUED,
    RUNNING,
    ENDING,
    OVER
  }

  final Request request;
  final Operation operation;
  final Lane lane;
  final int identity;

  /** {@link Lane#ADMITTED} or {@link Lane#PAST_LIMITS}. */
  final int queue;

  /** Whether a place of the admission must still be given back. */
  boolean holdsPlace;

  State state = State.NEW;
  @Nullable PoolTask previous;
  @Nullable PoolTask next;

  /** The next in the same bucket of the table of queued tasks. */
  @Nullable PoolTask chained;

  /** Whether its request was ended while a thread was still in the operation. */
  boolean givenUp;

  /** When a thread took it. */
  long since;

  /** Whether it is counted in {@link Lane#slow}. */
  boolean slow;

  /** Whether it is counted as hung. */
  boolean hung;

  /** How far the thread that holds it has come. */
  boolean begun;

  /** How often it was begun: a close that was cut is begun again. */
  int tries;

  boolean counted;
  boolean told;
  int result;

  /** Whether the thread that holds it has more to do than to let go of it. Under the lock. */
  boolean keepsItsThread() {
    return givenUp || state != State.OVER;
  }

  PoolTask(Request request, Operation operation, Lane lane, boolean holdsPlace) {
    this.request = request;
    this.operation = operation;
    this.lane = lane;
    this.holdsPlace = holdsPlace;
    this.queue = holdsPlace ? Lane.ADMITTED : Lane.PAST_LIMITS;
    this.identity = System.identityHashCode(request);
  }
}
