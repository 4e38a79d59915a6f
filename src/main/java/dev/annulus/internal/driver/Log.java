package dev.annulus.internal.driver;

import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/** Reports what no caller can be told. Never throws: a logger out of memory or descriptors must not take a driver down with it. */
public final class Log {
  private static final System.Logger LOGGER = System.getLogger("dev.annulus");

  private Log() {}

  /** Of interest to those who look for the cause of something. */
  public static void debug(String message) {
    try {
      LOGGER.log(Level.DEBUG, message);
    } catch (Throwable e) {
      // Nobody is left to tell.
    }
  }

  /** Something is not as it should be, but what was asked for was done. */
  public static void warn(String message) {
    warn(message, null);
  }

  /** As {@link #warn(String)}, with a cause. */
  public static void warn(String message, @Nullable Throwable cause) {
    try {
      LOGGER.log(Level.WARNING, message, cause);
    } catch (Throwable e) {
      // Nobody is left to tell.
    }
  }

  /** Something could not be done, and nobody else hears of it. */
  public static void error(String message, @Nullable Throwable cause) {
    try {
      LOGGER.log(Level.ERROR, message, cause);
    } catch (Throwable e) {
      // Nobody is left to tell.
    }
  }
}
