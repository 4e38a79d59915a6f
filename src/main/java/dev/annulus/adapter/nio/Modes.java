package dev.annulus.adapter.nio;

import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.OpenOption;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * What a channel may do, as its options say.
 *
 * @param appending whether all writes go to the end of the file
 */
record Modes(boolean readable, boolean writable, boolean appending) {
  static Modes of(Set<? extends OpenOption> options) {
    boolean appending = options.contains(StandardOpenOption.APPEND);
    boolean writable = appending || options.contains(StandardOpenOption.WRITE);
    return new Modes(!writable || options.contains(StandardOpenOption.READ), writable, appending);
  }

  void checkReadable() {
    if (!readable) {
      throw new NonReadableChannelException();
    }
  }

  void checkWritable() {
    if (!writable) {
      throw new NonWritableChannelException();
    }
  }

  void checkLockable(boolean shared) {
    if (shared) {
      checkReadable();
    } else {
      checkWritable();
    }
  }
}
