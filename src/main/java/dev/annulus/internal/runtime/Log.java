package dev.annulus.internal.runtime;

import java.lang.System.Logger.Level;

/** Reports what no caller can be told. Never throws: a logger out of memory or descriptors must not take the ring down with it. */
final class Log {
  private static final System.Logger LOGGER = System.getLogger("dev.annulus");

  private Log() {}

  static void debug(String message) {
    try {
      LOGGER.log(Level.DEBUG, message);
    } catch (Throwable e) {
      // Nobody is left to tell.
    }
  }

  static void warn(String message) {
    try {
      LOGGER.log(Level.WARNING, message);
    } catch (Throwable e) {
      // Nobody is left to tell.
    }
  }

  static void error(String message, Throwable cause) {
    try {
      LOGGER.log(Level.ERROR, message, cause);
    } catch (Throwable e) {
      // Nobody is left to tell.
    }
  }
}
