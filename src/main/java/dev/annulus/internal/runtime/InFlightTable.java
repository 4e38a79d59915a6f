package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Request;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The operations the kernel holds. A slot keeps the request, and with it buffer, file lease and future, plus any native memory
 * made for the submission, from the moment the entry is filled until its last completion. Only then is its number used again,
 * with the next generation.
 *
 * <p>Confined to the reaper thread, except {@link #size} and {@link #forEachSince}.
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

  private final @Nullable Request[] requests;
  private final @Nullable Object[] scratch;
  private final int[] generations;
  private final byte[] retries;
  private final boolean[] cancelled;

  /** When each operation came, by {@link #now}. */
  private final long[] since;

  /** A moment not long ago. */
  private long now = System.nanoTime();

  /** The free slots as a linked list: the last one returned is the first one reused, while it is warm. */
  private final int[] nextFree;

  private int firstFree;

  /** Written by one thread, and with no fence: those who watch want to know it sometime. */
  @SuppressWarnings("unused") // through SIZE
  private int size;

  InFlightTable(int capacity) {
    requests = new Request[capacity];
    scratch = new Object[capacity];
    generations = new int[capacity];
    retries = new byte[capacity];
    cancelled = new boolean[capacity];
    since = new long[capacity];
    nextFree = new int[capacity];
    for (int slot = 0; slot < capacity; slot++) {
      nextFree[slot] = slot + 1 < capacity ? slot + 1 : END;
    }
  }

  boolean isFull() {
    return firstFree == END;
  }

  boolean isEmpty() {
    return size() == 0;
  }

  /** Slots taken; may be read from any thread. */
  int size() {
    return (int) SIZE.getOpaque(this);
  }

  /** Takes a slot for a request. The table must not be full. */
  int claim(Request request) {
    int slot = firstFree;
    firstFree = nextFree[slot];
    since[slot] = now;
    VarHandle.storeStoreFence(); // a request that others see is no older than it looks
    requests[slot] = request;
    retries[slot] = 0;
    cancelled[slot] = false;
    resize(1);
    return slot;
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
    scratch[slot] = memory;
  }

  /** What {@link #keep} was given. */
  @Nullable Object kept(int slot) {
    return scratch[slot];
  }

  /** Whether a completion belongs to the submission its slot holds now. */
  boolean isCurrent(long userData) {
    int slot = UserData.slot(userData);
    return slot >= 0
        && slot < requests.length
        && requests[slot] != null
        && generations[slot] == UserData.generation(userData);
  }

  /** The request in a taken slot. */
  Request request(int slot) {
    return Objects.requireNonNull(requests[slot]);
  }

  /** Counts one more attempt for the slot, and answers how many were made before. */
  int countRetry(int slot) {
    return retries[slot]++;
  }

  void markCancelled(int slot) {
    cancelled[slot] = true;
  }

  boolean isCancelled(int slot) {
    return cancelled[slot];
  }

  /** Gives a slot back after its last completion. */
  Request release(int slot) {
    Request request = request(slot);
    requests[slot] = null;
    scratch[slot] = null;
    nextFree[slot] = firstFree;
    firstFree = slot;
    resize(-1);
    return request;
  }

  /** Looks at the clock, from which the age of what is claimed from now on counts. */
  void tick() {
    now = System.nanoTime();
  }

  /** How many operations came before a moment. */
  int countSince(long moment) {
    int count = 0;
    for (int slot = 0; slot < requests.length; slot++) {
      if (requests[slot] != null && since[slot] - moment <= 0) {
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
      if (request != null && since[slot] - moment <= 0) {
        action.accept(request);
      }
    }
  }

  /** Calls with each taken slot. */
  void forEachSlot(IntConsumer action) {
    for (int slot = 0; slot < requests.length; slot++) {
      if (requests[slot] != null) {
        action.accept(slot);
      }
    }
  }

  /** Any thread, while the reaper is away: calls with each request. */
  void forEachRequest(Consumer<Request> action) {
    for (Request request : requests) {
      if (request != null) {
        action.accept(request);
      }
    }
  }

  private void resize(int by) {
    SIZE.setOpaque(this, size() + by);
  }
}
