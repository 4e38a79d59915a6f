package dev.annulus.internal.portable;

import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/**
 * Reports what no caller can be told. Never throws: a logger that is broken or out of memory must
 * not take a thread of the pool with it.
 */
final class Log {
  private static final System.Logger LOGGER = System.getLogger("dev.annulus");

  private Log() {}

  static void warning(String what, Object about, @Nullable Throwable cause) {
    log(Level.WARNING, what, about, cause);
  }

  static void error(String what, Object about, @Nullable Throwable cause) {
    log(Level.ERROR, what, about, cause);
  }

  private static void log(Level level, String what, Object about, @Nullable Throwable cause) {
    try {
      LOGGER.log(level, what + ": " + about, cause);
    } catch (Throwable e) {
      // Nobody is left to tell.
    }
  }
}
