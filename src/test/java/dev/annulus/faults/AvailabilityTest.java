package dev.annulus.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.IoRuntime;
import dev.annulus.testing.ChildJvm;
import dev.annulus.testing.IoUringSysctl;
import dev.annulus.testing.Needs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Where io_uring is refused, the runtime says why and what to do, runs on the portable backend, and does not pretend when io_uring was
 * asked for by name. The refusals are real: a seccomp filter in a child JVM answers as the kernel or a container would.
 */
@Timeout(180)
class AvailabilityTest {
  private static final String IO_URING_SETUP = "425";

  @Test
  void ioUring_onAMachineThatHasIt_isAvailable() {
    assertTrue(IoRuntime.ioUring().isAvailable(), () -> IoRuntime.ioUring().toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // system call, errno, what the cause must say, what the remedy must say
        "425 | 1  | seccomp filter or security module | seccomp profile",
        "425 | 38 | no io_uring (ENOSYS)              | Linux 5.11",
        "425 | 12 | locked memory                     | ulimit -l",
        "425 | 23 | ENFILE                            | error number",
        "427 | 22 | too old                           | Linux 5.11",
      })
  void auto_whereIoUringIsRefused_saysWhyAndRunsPortable(String call, String errno, String cause, String remedy)
      throws Exception {
    ChildJvm.Result result = ChildJvm.of(Smoke.class, "AUTO", call, errno).run(60);
    assertEquals(0, result.exitCode(), result::output);
    assertTrue(result.output().contains("ioUring: io_uring is not available"), result::output);
    assertTrue(result.output().contains(cause), result::output);
    assertTrue(result.output().contains(remedy), result::output);
    assertTrue(result.output().contains("backend: PORTABLE"), result::output);
    assertTrue(result.output().contains("smoke passed"), result::output);
    assertFalse(result.output().contains("WARNING"), result::output);
  }

  /** The administrator's switch, for real: what it says is read where it refuses. */
  @Test
  void auto_whereTheSysctlRefusesUsers_saysSoAndRunsPortable(@TempDir Path dir) throws Exception {
    Files.setPosixFilePermissions(dir, PosixFilePermissions.fromString("rwxr-xr-x"));
    ChildJvm wishingNothing = ChildJvm.ofNobody(dir.resolve("a"), Smoke.class, "AUTO");
    ChildJvm wishingIoUring = ChildJvm.ofNobody(dir.resolve("b"), Smoke.class, "IO_URING");
    try (IoUringSysctl _ = IoUringSysctl.refuseToUsers()) {
      assertTrue(IoRuntime.ioUring().isAvailable(), "root, and other tests with it, must not notice");
      ChildJvm.Result result = wishingNothing.run(60);
      assertEquals(0, result.exitCode(), result::output);
      assertTrue(result.output().contains("EPERM, kernel.io_uring_disabled"), result::output);
      assertTrue(result.output().contains("sysctl kernel.io_uring_disabled=0"), result::output);
      assertTrue(result.output().contains("backend: PORTABLE"), result::output);
      assertTrue(result.output().contains("smoke passed"), result::output);
      assertFalse(result.output().contains("WARNING"), result::output);

      ChildJvm.Result refused = wishingIoUring.run(60);
      assertTrue(refused.output().contains("refused: io_uring is not available"), refused::output);
      assertTrue(refused.output().contains("kernel.io_uring_disabled"), refused::output);
    }
    ChildJvm.Result allowed = wishingIoUring.run(60);
    assertTrue(allowed.output().contains("backend: IO_URING"), () -> "switched on again: " + allowed.output());
  }

  /**
   * Root may lock what it likes. For others some kernels count rings as locked memory and some do not,
   * which no version number tells: 5.10.262 and 7.2.13 do not, 6.18.44 does. A ring asked for by name
   * finds out.
   */
  @Test
  void auto_ofAUserWithoutLockedMemory_saysSoAndRunsPortableWhereRingsAreCounted(@TempDir Path dir)
      throws Exception {
    Needs.root();
    Needs.tool("prlimit");
    Files.setPosixFilePermissions(dir, PosixFilePermissions.fromString("rwxr-xr-x"));
    boolean counted =
        ChildJvm.ofNobody(dir.resolve("a"), Smoke.class, "IO_URING")
            .behind("prlimit", "--memlock=0:0")
            .run(60)
            .output()
            .contains("refused:");
    ChildJvm.Result result =
        ChildJvm.ofNobody(dir.resolve("b"), Smoke.class, "AUTO").behind("prlimit", "--memlock=0:0").run(60);
    assertTrue(result.lines().contains("smoke passed"), result::output);
    assertEquals(counted, result.output().contains("locked memory"), result::output);
    assertEquals(counted, result.output().contains("ulimit -l"), result::output);
    assertEquals(counted ? "PORTABLE" : "IO_URING", backendIn(result), result::output);
    if (!counted) {
      System.out.println("this kernel does not count rings as locked memory");
    }
  }

  private static String backendIn(ChildJvm.Result result) {
    String prefix = "backend: ";
    return result.lines().stream()
        .filter(line -> line.startsWith(prefix))
        .findFirst()
        .map(line -> line.substring(prefix.length()))
        .orElse("none");
  }

  @Test
  void auto_whereNothingIsRefused_runsOnIoUring() throws Exception {
    ChildJvm.Result result = ChildJvm.of(Smoke.class, "AUTO").run(60);
    assertEquals(0, result.exitCode(), result::output);
    assertTrue(result.output().contains("ioUring: io_uring is available"), result::output);
    assertTrue(result.output().contains("backend: IO_URING"), result::output);
    assertTrue(result.output().contains("smoke passed"), result::output);
    assertEquals(3, result.output().lines().count(), () -> "the JVM has something to say: " + result.output());
  }

  @Test
  void auto_withNativeAccessDenied_saysSoAndRunsPortable() throws Exception {
    ChildJvm.Result result = ChildJvm.withoutNativeAccess(Smoke.class, "AUTO").run(60);
    assertEquals(0, result.exitCode(), result::output);
    assertTrue(result.output().contains("does not let this library call native functions"), result::output);
    assertTrue(result.output().contains("--enable-native-access"), result::output);
    assertTrue(result.output().contains("backend: PORTABLE"), result::output);
    assertTrue(result.output().contains("smoke passed"), result::output);
  }

  @Test
  void ioUringByName_whereItIsRefused_failsWithTheCauseInsteadOfFallingBack() throws Exception {
    List<ChildJvm> children =
        List.of(
            ChildJvm.of(Smoke.class, "IO_URING", IO_URING_SETUP, "1"),
            ChildJvm.withoutNativeAccess(Smoke.class, "IO_URING"));
    for (ChildJvm child : children) {
      ChildJvm.Result result = child.run(60);
      assertEquals(0, result.exitCode(), result::output);
      assertTrue(result.output().contains("refused: io_uring is not available"), result::output);
      assertFalse(result.output().contains("backend:"), result::output);
    }
  }
}
