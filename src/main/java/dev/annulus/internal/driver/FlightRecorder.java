package dev.annulus.internal.driver;

/** Whether the JDK's flight recorder is there: an image made with {@code jlink} may lack it. Without it, no event class may be touched. */
public final class FlightRecorder {
  public static final boolean AVAILABLE = ModuleLayer.boot().findModule("jdk.jfr").isPresent();

  private FlightRecorder() {}
}
