package dev.annulus.internal.runtime;

/** Slot numbers in the order they came, each at most once. Its memory is there from the beginning. One thread's. */
final class SlotRing {
  private final int[] places;
  private final int mask;
  private int head;
  private int size;

  SlotRing(int capacity) {
    places = new int[capacity <= 1 ? 1 : Integer.highestOneBit(capacity - 1) << 1];
    mask = places.length - 1;
  }

  void add(int slot) {
    places[(head + size) & mask] = slot;
    size++;
  }

  /** The first. The ring must not be empty. */
  int peek() {
    return places[head & mask];
  }

  int remove() {
    int slot = places[head & mask];
    head++;
    size--;
    return slot;
  }

  int size() {
    return size;
  }

  boolean isEmpty() {
    return size == 0;
  }
}
