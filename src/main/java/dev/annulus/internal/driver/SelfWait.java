package dev.annulus.internal.driver;

/** Refuses to wait, on a thread that ends operations, for an operation that it would have to end. */
public final class SelfWait {
  private SelfWait() {}

  /** What a blocking call on a runtime's own thread fails with. */
  public static IllegalStateException refused() {
    return new IllegalStateException(
        "a blocking call on the runtime's own thread would wait for itself: chain futures there, or use an executor");
  }

  /** On a thread of the driver's, throws {@link #refused}. */
  public static void check(Driver driver) {
    if (driver.onDriverThread()) {
      throw refused();
    }
  }
}
