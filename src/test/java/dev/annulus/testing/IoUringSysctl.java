package dev.annulus.testing;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The administrator's switch {@code kernel.io_uring_disabled}, set to 1 until closed: io_uring is then refused to users without
 * {@code CAP_SYS_ADMIN}, and root, as whom the tests run, goes on as before. (2 would refuse everybody, on the whole machine.)
 */
public final class IoUringSysctl implements AutoCloseable {
  private static final Path SWITCH = Path.of("/proc/sys/kernel/io_uring_disabled");

  /** The whole machine's business: only for those who say so. */
  private static final String ASKED_FOR = "annulus.test.sysctl";

  private final FileChannel lock;

  private IoUringSysctl(FileChannel lock) {
    this.lock = lock;
  }

  /** Sets the switch; skips the test unless that is asked for, and where it cannot be set or is not at 0. */
  public static IoUringSysctl refuseToUsers() throws IOException {
    if (!Boolean.getBoolean(ASKED_FOR)) {
      Needs.skip("set -D" + ASKED_FOR + "=true to have " + SWITCH + " of this machine switched for a moment");
    }
    Needs.root();
    if (!Files.isWritable(SWITCH)) {
      Needs.skip(SWITCH + " is missing, or may not be written here");
    }
    // Locked, so that two runs of the tests on one machine do not restore each other's setting.
    FileChannel lock = FileChannel.open(SWITCH, StandardOpenOption.WRITE);
    try {
      var _ = lock.lock();
      String now = Files.readString(SWITCH).strip();
      if (!now.equals("0")) {
        Needs.skip(SWITCH + " is at " + now + " already");
      }
      Files.writeString(SWITCH, "1\n");
      return new IoUringSysctl(lock);
    } catch (Throwable e) {
      lock.close();
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    try {
      Files.writeString(SWITCH, "0\n");
    } finally {
      lock.close();
    }
  }
}
