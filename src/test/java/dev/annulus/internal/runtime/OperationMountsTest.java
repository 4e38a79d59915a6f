package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Mounts;
import dev.annulus.internal.driver.Mounts.Mount;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.StatResult;
import dev.annulus.internal.runtime.direct.DirectCalls;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which mount an operation is on, and whether its hanging is the device's fault. */
class OperationMountsTest {
  private static final Path PROC = Path.of("/proc/self/status");

  private final BlockingFiles files = new BlockingFiles(new Mounts());

  private static int open(Path path, OpenFlag... flags) {
    int fd = DirectCalls.run(new Operation.Open(path, Set.of(flags), 0));
    assertTrue(fd >= 0, () -> path + ": " + fd);
    return fd;
  }

  private static String point(@Nullable Mount mount) {
    assertNotNull(mount);
    return mount.point();
  }

  @Test
  void mount_ofFilesDirectoriesAndPaths_isFound() throws Exception {
    int file = open(PROC, OpenFlag.READ);
    int directory = open(Path.of("/proc/self").toRealPath(), OpenFlag.READ);
    try {
      Operation read = new Operation.Sync(file, false);
      assertEquals("/proc", point(files.mountOf(read)));
      assertEquals("/proc", point(files.mountOf(read)), "the second time");
      assertEquals("/proc", point(files.mountAtFault(read)));
      assertEquals("/proc", point(files.mountAtFault(new Operation.Sync(directory, false))));
      Operation stat = new Operation.StatPath(PROC, true, new StatResult());
      assertEquals("/proc", point(files.mountOf(stat)));
      assertNull(files.mountAtFault(stat), "there may be a link in it");
      assertNull(files.mountOf(new Operation.Nop()));
    } finally {
      assertEquals(0, DirectCalls.run(new Operation.Close(file)));
      assertEquals(0, DirectCalls.run(new Operation.Close(directory)));
    }
    assertNull(files.mountOf(new Operation.Sync(1 << 19, false)), "no descriptor");
  }

  /** A device of characters, as a terminal is, stands for all that may have nothing to say. */
  @Test
  void mount_ofADevice_isNotAtFault() {
    int fd = open(Path.of("/dev/null"), OpenFlag.READ);
    try {
      Operation read = new Operation.Sync(fd, false);
      assertNotNull(files.mountOf(read));
      assertTrue(Files.exists(Path.of(point(files.mountOf(read)))));
      assertNull(files.mountAtFault(read));
    } finally {
      assertEquals(0, DirectCalls.run(new Operation.Close(fd)));
    }
  }
}
