package wal;

import java.io.IOException;

/** Records are missing or damaged that were acknowledged. The log is left as it is: restore it from a copy. */
public final class CorruptLogException extends IOException {
  private static final long serialVersionUID = 1L;

  CorruptLogException(String message) {
    super(message);
  }
}
