package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class PortableTreeTest {
  @TempDir Path dir;

  @Test
  void removeByPath_withLinks_removesTheLinksOnly() throws Exception {
    Path outside = Files.createDirectories(dir.resolve("outside/sub"));
    Files.writeString(outside.resolve("kept"), "kept");
    Path tree = Files.createDirectories(dir.resolve("tree/deep"));
    Files.createSymbolicLink(tree.resolve("link"), dir.resolve("outside"));
    assertEquals(0, new TreeRemover(() -> false).removeByPath(dir.resolve("tree")));
    assertFalse(Files.exists(dir.resolve("tree")));
    assertEquals("kept", Files.readString(outside.resolve("kept")));
  }

  @Test
  void remove_whenTold_stops() throws Exception {
    Path tree = Files.createDirectories(dir.resolve("tree"));
    Files.writeString(tree.resolve("file"), "x");
    assertEquals(-Errno.ECANCELED, new TreeRemover(() -> true).remove(tree));
    assertEquals(-Errno.ECANCELED, new TreeRemover(() -> true).removeByPath(tree));
    assertTrue(Files.exists(tree.resolve("file")));
  }

  @Test
  void removeDirectory_thatHasBecomeALink_removesTheLinkOnly() throws Exception {
    Path outside = Files.createDirectories(dir.resolve("outside"));
    Files.writeString(outside.resolve("kept"), "kept");
    Path parent = Files.createDirectories(dir.resolve("parent"));
    Path link = Files.createSymbolicLink(parent.resolve("link"), outside);
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(parent)) {
      SecureDirectoryStream<Path> secure = (SecureDirectoryStream<Path>) stream;
      assertEquals(-Errno.ENOTDIR, new TreeRemover(() -> false).removeDirectory(secure, Path.of("link"), true));
      assertTrue(Files.isSymbolicLink(link));
      assertEquals(0, new TreeRemover(() -> false).removeDirectory(secure, Path.of("link"), false));
    }
    assertFalse(Files.isSymbolicLink(link));
    assertEquals("kept", Files.readString(outside.resolve("kept")));
  }

  @Test
  void removeTree_whileDirectoriesBecomeLinks_neverLeavesTheTree() throws Exception {
    Path outside = Files.createDirectories(dir.resolve("outside"));
    for (int i = 0; i < 50; i++) {
      Files.writeString(outside.resolve("kept" + i), "kept");
    }
    Path tree = dir.resolve("tree");
    AtomicBoolean done = new AtomicBoolean();
    Thread swapper =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (!done.get()) {
                    try {
                      swap(tree.resolve("victim"), outside);
                    } catch (IOException e) {
                      Thread.onSpinWait(); // the remover was quicker, or the tree is not there at the moment
                    }
                  }
                });
    try (PortableDriver driver = DriverUse.driver()) {
      for (int i = 0; i < 150; i++) {
        Files.createDirectories(tree);
        for (int n = 0; n < 20; n++) {
          Files.createDirectories(tree.resolve("d" + n));
        }
        // Not empty when the swapper is quicker: what counts is what stays outside.
        int _ = DriverUse.run(driver, new Operation.RemoveTree(tree));
      }
    } finally {
      done.set(true);
      swapper.join(20_000);
    }
    try (var kept = Files.list(outside)) {
      assertEquals(50, kept.count());
    }
  }

  /** Makes a name a directory with something in it, then a link. */
  private static void swap(Path victim, Path outside) throws IOException {
    if (Files.isSymbolicLink(victim)) {
      Files.deleteIfExists(victim);
    }
    Files.createDirectory(victim);
    Files.createDirectory(victim.resolve("in"));
    Files.deleteIfExists(victim.resolve("in"));
    Files.deleteIfExists(victim);
    Files.createSymbolicLink(victim, outside);
  }
}
