package dev.annulus.internal.runtime;

import dev.annulus.internal.abi.CoarseClock;
import dev.annulus.internal.driver.Request;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The operations the kernel holds. A slot keeps the request, and with it buffer, file lease and future, plus any native memory
 * made for the submission, from the moment the entry is filled until its last completion. Only then is its number used again,
 * with the next generation.
 *
 * <p>An operation that has ended keeps its slot until its request has been told. If that fails for want of
 * memory or stack, it is told later.
 *
 * <p>Confined to the reaper thread, except {@link #size} and {@link #forEachSince}. Methods that change something do it behind their last call: an error of the JVM
 * finds them not begun or done.
 */
class InFlightTable {
  private static final int END = -1;

  private static final VarHandle SIZE;

  static {
    try {
      SIZE = MethodHandles.lookup().findVarHandle(InFlightTable.class, "size", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** The outcome of a request that was cancelled before the kernel had it; no answer of the kernel's. */
  static final int NEVER_BEGUN = Integer.MIN_VALUE;

  /** What a slot's operation is about. */
  private static final byte IN_KERNEL = 0;

  private static final byte TO_RETRY = 1;
  private static final byte ENDED = 2;
  private static final byte REFUSED = 3;

  private final @Nullable Request[] requests;

  /** Native memory of the submission; of a refused one the cause. */
  private final @Nullable Object[] kept;

  private final int[] generations;
  private final byte[] attempts;
  private final byte[] phases;
  private final int[] outcomes;
  private final boolean[] cancelled;
  private final boolean[] cancelQueued;

  /** When each operation came, by {@link #now}. */
  private final long[] since;

  private final CoarseClock clock = new CoarseClock();

  /** A moment not long ago. Not by that clock at first: it takes system calls, and whether these may be made is not known here. */
  private long now = System.nanoTime();

  /** Slots whose operation is to be submitted once more, to be cancelled, to be told of their end. */
  private final SlotRing retries;

  private final SlotRing cancels;
  private final SlotRing endings;

  /** The free slots as a linked list: the last one returned is the first one reused, while it is warm. */
  private final int[] nextFree;

  private int firstFree;

  private final int usualLimit;

  /** How many slots may be taken. */
  private int limit;

  /** Written by one thread, and with no fence: those who watch want to know it sometime. */
  private int size;

  InFlightTable(int capacity) {
    this(capacity, capacity);
  }

  /** With more slots than may be taken, until {@link #limit} allows it. */
  InFlightTable(int capacity, int usualLimit) {
    this.usualLimit = usualLimit;
    this.limit = usualLimit;
    requests = new Request[capacity];
    kept = new Object[capacity];
    generations = new int[capacity];
    attempts = new byte[capacity];
    phases = new byte[capacity];
    outcomes = new int[capacity];
    cancelled = new boolean[capacity];
    cancelQueued = new boolean[capacity];
    since = new long[capacity];
    retries = new SlotRing(capacity);
    cancels = new SlotRing(capacity);
    endings = new SlotRing(capacity);
    nextFree = new int[capacity];
    for (int slot = 0; slot < capacity; slot++) {
      nextFree[slot] = slot + 1 < capacity ? slot + 1 : END;
    }
  }

  boolean isFull() {
    return size >= limit || firstFree == END;
  }

  /** How many slots may be taken, unless {@link #limit} has said otherwise. */
  int usualLimit() {
    return usualLimit;
  }

  /** Says how many slots may be taken from now on. */
  void limit(int slots) {
    limit = slots;
  }

  boolean isEmpty() {
    return size == 0;
  }

  /** Slots taken; may be read from any thread. */
  int size() {
    return (int) SIZE.getOpaque(this);
  }

  /**
   * Takes a slot for the next request there is; -1 if there is none. The table must not be full. Whoever
   * is asked for the request must call nothing once it has let go of it: so it is there, or here.
   */
  int claim(Supplier<@Nullable Request> next) {
    int slot = firstFree;
    since[slot] = now;
    VarHandle.storeStoreFence(); // a request that others see is no older than it looks
    Request request = next.get();
    if (request == null) {
      return END;
    }
    firstFree = nextFree[slot];
    requests[slot] = request;
    attempts[slot] = 0;
    phases[slot] = IN_KERNEL;
    cancelled[slot] = false;
    size++;
    return slot;
  }

  /** Looks at the clock, from which the age of what is claimed from now on counts. */
  void tick() {
    now = clock.nanos();
  }

  /** A moment not long ago. */
  long now() {
    return now;
  }

  /** Whether the operation in a slot came before a moment, and has not ended. */
  boolean isSince(int slot, long moment) {
    return requests[slot] != null && !hasEnded(slot) && since[slot] - moment <= 0;
  }

  /** How many operations came before a moment, and have not ended. */
  int countSince(long moment) {
    int count = 0;
    for (int slot = 0; slot < requests.length; slot++) {
      if (isSince(slot, moment)) {
        count++;
      }
    }
    return count;
  }

  /**
   * Any thread at any time: calls with what came before a moment and is still here. An operation that
   * ends meanwhile may be among these.
   */
  void forEachSince(long moment, Consumer<Request> action) {
    for (int slot = 0; slot < requests.length; slot++) {
      Request request = requests[slot];
      VarHandle.loadLoadFence();
      if (request != null && !hasEnded(slot) && since[slot] - moment <= 0) {
        action.accept(request);
      }
    }
  }

  private boolean hasEnded(int slot) {
    return phases[slot] == ENDED || phases[slot] == REFUSED;
  }

  /** Any thread, while the reaper is away: calls with each request that has begun. */
  void forEachRequest(Consumer<Request> action) {
    forEach(true, action);
  }

  /** Any thread, while the reaper is away: calls with each request that will not begin. */
  void forEachUnbegun(Consumer<Request> action) {
    forEach(false, action);
  }

  private void forEach(boolean begun, Consumer<Request> action) {
    for (int slot = 0; slot < requests.length; slot++) {
      Request request = requests[slot];
      boolean notBegun = phases[slot] == REFUSED || (phases[slot] == ENDED && outcomes[slot] == NEVER_BEGUN);
      if (request != null && notBegun != begun) {
        action.accept(request);
      }
    }
  }

  /** Begins a submission in a slot: what it carries from now on, so that completions of earlier ones are told apart. */
  long nextUserData(int slot) {
    return UserData.of(slot, ++generations[slot]);
  }

  /** What the submission in a slot carries. */
  long userData(int slot) {
    return UserData.of(slot, generations[slot]);
  }

  /** Keeps native memory alive with the slot. */
  void keep(int slot, @Nullable Object memory) {
    kept[slot] = memory;
  }

  /** What {@link #keep} was given, or why the request is refused. */
  @Nullable Object kept(int slot) {
    return kept[slot];
  }

  /** Whether a completion belongs to the submission in its slot now. */
  boolean isCurrent(long userData) {
    int slot = UserData.slot(userData);
    return slot >= 0
        && slot < requests.length
        && requests[slot] != null
        && phases[slot] == IN_KERNEL
        && generations[slot] == UserData.generation(userData);
  }

  /** The request in a taken slot. */
  Request request(int slot) {
    return Objects.requireNonNull(requests[slot]);
  }

  /** Counts one more attempt for the slot, and answers how many were made before. */
  int countRetry(int slot) {
    return attempts[slot]++;
  }

  /** Whether the kernel had the operation once, and it is to be submitted once more: something may have been done. */
  boolean hasBegun(int slot) {
    return attempts[slot] != 0;
  }

  // ---- what is still to be done about slots ----

  /** The operation is to be submitted once more. */
  void retry(int slot) {
    retries.add(slot);
    phases[slot] = TO_RETRY;
  }

  boolean hasRetries() {
    return !retries.isEmpty();
  }

  /** A slot whose operation is to be submitted once more, now. */
  int takeRetry() {
    int slot = retries.remove();
    phases[slot] = IN_KERNEL;
    return slot;
  }

  /** The operation is to be cancelled, where it is. */
  void markCancelled(int slot) {
    if (!cancelQueued[slot]) {
      cancels.add(slot);
    }
    cancelQueued[slot] = true;
    cancelled[slot] = true;
  }

  boolean isCancelled(int slot) {
    return cancelled[slot];
  }

  boolean hasCancels() {
    return !cancels.isEmpty();
  }

  /** The next slot to be cancelled, to be followed by {@link #cancelDone}; -1 if it has ended meanwhile. */
  int nextCancel() {
    int slot = cancels.peek();
    return requests[slot] != null && cancelled[slot] && phases[slot] == IN_KERNEL ? slot : -1;
  }

  void cancelDone() {
    cancelQueued[cancels.remove()] = false;
  }

  /** The operation has ended so, and its request is being told now, and is not counted any more: {@link #tellLater} or {@link #told} follow. */
  int take(int slot, int outcome) {
    phases[slot] = ENDED;
    outcomes[slot] = outcome;
    size--;
    return slot;
  }

  /** The operation has ended so, and its request is to be told. */
  void end(int slot, int outcome) {
    endings.add(slot);
    phases[slot] = ENDED;
    outcomes[slot] = outcome;
  }

  /** The operation could not begin, and its request is to be told. */
  void refuse(int slot, Throwable cause) {
    endings.add(slot);
    phases[slot] = REFUSED;
    kept[slot] = cause;
  }

  /** Requests that are to be told how they ended. */
  int endings() {
    return endings.size();
  }

  int outcome(int slot) {
    return outcomes[slot];
  }

  /** Why it is refused, or {@code null} if it has an outcome. */
  @Nullable Throwable refusal(int slot) {
    return phases[slot] == REFUSED ? (Throwable) kept[slot] : null;
  }

  /** The slot of the first of the {@link #endings}, which is being told now, as after {@link #take}. */
  int takeEnding() {
    int slot = endings.remove();
    size--;
    return slot;
  }

  /** The request in hand could not be told: it is the last of the {@link #endings} now. */
  void tellLater(int slot) {
    endings.add(slot);
    size++;
  }

  /** The request in hand has been told, and its slot is free from now on. */
  void told(int slot) {
    requests[slot] = null;
    kept[slot] = null;
    nextFree[slot] = firstFree;
    firstFree = slot;
  }

  /** Gives a slot back after its last completion. */
  Request release(int slot) {
    Request request = request(slot);
    requests[slot] = null;
    kept[slot] = null;
    nextFree[slot] = firstFree;
    firstFree = slot;
    size--;
    return request;
  }

  /** Calls with each taken slot. */
  void forEachSlot(IntConsumer action) {
    for (int slot = 0; slot < requests.length; slot++) {
      if (requests[slot] != null) {
        action.accept(slot);
      }
    }
  }

  /** Slots there are, taken and free. */
  int capacity() {
    return requests.length;
  }

  /** The request in a slot, or {@code null} if it is free. */
  @Nullable Request requestOrNull(int slot) {
    return requests[slot];
  }

  /** Whether the operation in a taken slot is in the kernel's hands. */
  boolean isInKernel(int slot) {
    return phases[slot] == IN_KERNEL;
  }
}
