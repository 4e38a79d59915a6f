package dev.annulus.internal.driver;

import org.jspecify.annotations.Nullable;

/**
 * Tells the flight recorder of what held operations up. Measured is the time between the beginning and {@link #end}; the threshold of the
 * recording decides whether it was a stall.
 */
public final class Stalls {
  private Stalls() {}

  /** The reaper thread is about to end a request, and so to run users' code; {@code null} if nobody records. */
  public static @Nullable RingStallEvent ending(Request request) {
    return recorded() ? RingStallEvent.begun("dependent", request.operation().name()) : null;
  }

  /** A submitter is about to wait for a place in the queue; {@code null} if nobody records. */
  public static @Nullable RingStallEvent waitingForRoom() {
    return recorded() ? RingStallEvent.begun("queue full", "") : null;
  }

  /** It is over. */
  public static void end(@Nullable RingStallEvent stall) {
    end(stall, null);
  }

  /** It is over; it may be that its stack was taken. */
  public static void end(@Nullable RingStallEvent stall, @Nullable Whereabouts holder) {
    if (stall != null) {
      stall.end();
      if (holder != null) {
        stall.holder = holder.stackTaken();
      }
      if (stall.shouldCommit()) {
        stall.commit();
      }
    }
  }

  private static boolean recorded() {
    return FlightRecorder.AVAILABLE && RingStallEvent.wanted();
  }
}
