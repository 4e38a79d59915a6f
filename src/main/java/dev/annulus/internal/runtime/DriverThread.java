package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Driver;

/** A thread that ends requests of a driver, and must therefore never wait for one. Does not keep the JVM alive. */
final class DriverThread extends Thread {
  private final Driver owner;

  DriverThread(Driver owner, Runnable body, String name) {
    super(null, body, name, 0, false);
    this.owner = owner;
    setDaemon(true);
  }

  @SuppressWarnings("ReferenceEquality") // this very driver
  static boolean isOf(Driver driver) {
    return Thread.currentThread() instanceof DriverThread thread && thread.owner == driver;
  }
}
