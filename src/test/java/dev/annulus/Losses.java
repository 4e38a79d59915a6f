package dev.annulus;

import java.util.ArrayList;
import java.util.List;

/**
 * The operations on a file or directory that may have lost what was written before: a failed sync, for example, of which the kernel
 * tells each open file once, so that one opened later hears nothing of it.
 */
final class Losses {
  private static final long NOT_YET = Long.MAX_VALUE;

  /** An operation that may lose data, in flight or over. */
  static final class Event {
    private final long began;
    private long ended = NOT_YET;

    private Event(long began) {
      this.began = began;
    }
  }

  private final List<Event> events = new ArrayList<>();

  /** An operation begins. */
  Event begin(long now) {
    Event event = new Event(now);
    events.add(event);
    return event;
  }

  /** It has ended well, or was never begun: it lost nothing. */
  void harmless(Event event) {
    boolean ignored = events.remove(event);
  }

  /** It has failed, or nobody knows. */
  void failed(Event event, long now) {
    event.ended = now;
  }

  /** Returns whether a change may have been lost, and that told to others, before a file was opened. */
  boolean mayHaveLost(long changeBegan, long opened) {
    for (Event event : events) {
      if (event.began <= opened && changeBegan <= event.ended) {
        return true;
      }
    }
    return false;
  }

  void clear() {
    events.clear();
  }
}
