package dev.annulus.internal.driver;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Threshold;

/** The flight recorder's event of a stall. Made by {@link Stalls} only, which knows whether there is a flight recorder. */
@Name("dev.annulus.RingStall")
@Label("Ring Stall")
@Description("Operations were held up by something else than the kernel: by a dependent on the reaper thread, or by a full queue")
@Category({"Annulus"})
@Threshold("20 ms")
public final class RingStallEvent extends Event {
  private static final RingStallEvent PROBE = new RingStallEvent("", "");

  @Label("Cause")
  @Description("dependent: code that ran when an operation completed kept the reaper thread, and all other operations waited; queue full: "
      + "the submitter waited for a place in the queue")
  final String cause;

  @Label("Operation")
  @Description("The kernel's name of the operation that completed; empty for a full queue")
  final String operation;

  @Label("Holder")
  @Description("The stack of the code that kept the reaper thread, taken while it did; empty if it was over before one was taken")
  String holder = "";

  private RingStallEvent(String cause, String operation) {
    this.cause = cause;
    this.operation = operation;
  }

  /** Whether a recording wants such events; makes nothing. */
  static boolean wanted() {
    return PROBE.isEnabled();
  }

  static RingStallEvent begun(String cause, String operation) {
    RingStallEvent event = new RingStallEvent(cause, operation);
    event.begin();
    return event;
  }
}
