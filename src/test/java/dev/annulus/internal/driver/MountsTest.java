package dev.annulus.internal.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The table of mounts as the kernel writes it, with names of any bytes. */
class MountsTest {
  private static final Charset NAMES = Charset.forName(System.getProperty("sun.jnu.encoding"));

  @TempDir Path directory;

  private Mounts mounts(String... lines) throws IOException {
    Path table = directory.resolve("mountinfo");
    Files.write(table, (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
    return new Mounts(table);
  }

  private static String line(int number, String point, String type) {
    return number + " 1 0:" + number + " / " + point + " rw,relatime shared:5 - " + type + " none rw";
  }

  @Test
  void mount_ofANameThatIsNoAscii_isNamedAsPathsAre() throws IOException {
    Mounts mounts = mounts(line(1, "/", "ext4"), line(2, "/mnt/gr\u00f6\u00dfe-\u6f22", "nfs4"));
    Mounts.Mount found = mounts.mount(new Mounts.Key(2, 0, 2));
    byte[] bytes = "/mnt/gr\u00f6\u00dfe-\u6f22".getBytes(StandardCharsets.UTF_8);
    assertEquals(new String(bytes, NAMES), found.point());
    assertFalse(found.isLocal());
    assertFalse(mounts.areAllLocal());
  }

  /** The kernel escapes blanks, tabs, line ends and backslashes, and nothing else. */
  @Test
  void mount_ofANameWithBlanksAndLineEnds_isFound() throws IOException {
    Mounts mounts =
        mounts(
            line(1, "/", "ext4"),
            line(2, "/a\\040b\\011c\\012d\\134e", "xfs"),
            line(3, "/f\rg", "fuse.sshfs"),
            line(4, "/h", "tmpfs"));
    assertEquals("/a b\tc\nd\\e", mounts.mount(new Mounts.Key(2, 0, 2)).point());
    assertEquals("/f\rg", mounts.mount(new Mounts.Key(3, 0, 3)).point());
    assertEquals("/h", mounts.mountOf(Path.of("/h/file")).point());
    assertEquals("/", mounts.mountOf(Path.of("/elsewhere")).point());
    assertFalse(mounts.areAllLocal());
  }

  @Test
  void areAllLocal_ofLocalOnes_saysSo() throws IOException {
    assertTrue(mounts(line(1, "/", "ext4"), line(2, "/x", "autofs")).areAllLocal());
    assertTrue(Files.notExists(directory.resolve("none")));
    assertFalse(new Mounts(directory.resolve("none")).areAllLocal());
  }

  @Test
  void mount_thatTheTableDoesNotShow_isHidden() throws IOException {
    Mounts mounts = mounts(line(1, "/", "ext4"));
    assertEquals(Mounts.HIDDEN, mounts.mount(new Mounts.Key(7, 0, 7)));
    assertEquals(Mounts.HIDDEN, mounts.mount(new Mounts.Key(1, 0, 7)), "the number was given again");
  }
}
