package dev.annulus.internal.runtime;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Kernels on which io_uring is known to hang, by public reports. They are warned about and used all
 * the same: a distribution may have ported the mend back without a change of the version.
 *
 * <ul>
 *   <li>Writes that never complete under load, up to 5.15.2: MariaDB's MDEV-26674,
 *       github.com/MariaDB/server/pull/1953. Mended by commit d3e3c102d107 in 5.16, and in the stable
 *       versions 5.14.19 and 5.15.3. RHEL 9 and what is built from it have it in their 5.14.0:
 *       github.com/MariaDB/server/pull/3983.
 *   <li>Processes that hang in {@code io_uring_enter} and cannot be killed, about 6.1.113 to 6.1.118:
 *       github.com/axboe/liburing/issues/1289 (Debian's 6.1.115),
 *       github.com/amazonlinux/amazon-linux-2023/issues/840 and
 *       github.com/bottlerocket-os/bottlerocket/issues/4308.
 * </ul>
 */
final class KernelTroubles {
  private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+)(?:\\.(\\d+))?");

  /** Debian's and Proxmox' release names a series; the version of the source is in the build line. */
  private static final Pattern SOURCE_VERSION =
      Pattern.compile("(?:Debian|PVE|PMX) (\\d+\\.\\d+\\.\\d+)");

  private static final String UPDATE =
      "update the kernel, or use the portable backend (IoRuntime.builder().backend(Backend.PORTABLE))";

  /** Versions from {@code first} up to but without {@code mended}, but those whose release matches {@code portedBack}. */
  private record Trouble(long first, long mended, Pattern portedBack, String what) {
    boolean isOf(long version, String release) {
      return version >= first && version < mended && !portedBack.matcher(release).find();
    }
  }

  private static final String LOST_WRITES = "io_uring writes may never complete under load";

  private static final Pattern RHEL_9 = Pattern.compile("\\.el9|\\.el10");
  private static final Pattern NOWHERE = Pattern.compile("(?!)");

  private static final List<Trouble> KNOWN =
      List.of(
          new Trouble(number(5, 11, 0), number(5, 14, 19), RHEL_9, LOST_WRITES),
          new Trouble(number(5, 15, 0), number(5, 15, 3), RHEL_9, LOST_WRITES),
          new Trouble(
              number(6, 1, 113),
              number(6, 1, 119),
              NOWHERE,
              "a process may hang in io_uring_enter and not be killable"));

  private KernelTroubles() {}

  /**
   * A sentence of what is known to be wrong with a kernel, and what to do.
   *
   * @param release as {@code uname -r} has it
   * @param build as {@code uname -v} has it, or empty; some distributions tell the version there
   */
  static Optional<String> of(String release, String build) {
    Matcher source = SOURCE_VERSION.matcher(build);
    Matcher version = VERSION.matcher(source.find() ? source.group(1) : release);
    if (!version.lookingAt() || isHiddenUbuntu(release)) {
      return Optional.empty();
    }
    int patch = version.group(3) == null ? 0 : Integer.parseInt(version.group(3));
    long number = number(Integer.parseInt(version.group(1)), Integer.parseInt(version.group(2)), patch);
    return KNOWN.stream()
        .filter(trouble -> trouble.isOf(number, release))
        .findFirst()
        .map(
            trouble ->
                "Linux " + release + " is among the kernels of which it is reported that " + trouble.what()
                    + "; " + UPDATE);
  }

  /**
   * Ubuntu's 5.15.0-N stays at .0 for years and takes the stable versions in: its number tells nothing.
   */
  private static boolean isHiddenUbuntu(String release) {
    return release.startsWith("5.15.0-");
  }

  private static long number(int major, int minor, int patch) {
    return (major * 1_000L + minor) * 1_000L + Math.min(patch, 999);
  }
}
