package dev.annulus;

import java.nio.file.OpenOption;

/** Options of opening a file that {@link java.nio.file.StandardOpenOption} does not have. */
public enum IoOpenOption implements OpenOption {
  /**
   * Bypass the page cache ({@code O_DIRECT}). The same as {@code com.sun.nio.file.ExtendedOpenOption.DIRECT}, which is taken too, but
   * is not part of Java SE and makes compilers warn.
   */
  DIRECT
}
