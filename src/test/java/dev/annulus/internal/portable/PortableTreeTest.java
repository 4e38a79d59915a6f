package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class PortableTreeTest {
  private static final int DEEP = 4_000;

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

  /** No path reaches so deep: the tree is put together of pieces, each moved to the bottom of the next. */
  @Test
  void remove_ofAVeryDeepTree_holdsFewDescriptors() throws Exception {
    Path tree = dir.resolve("tree");
    String piece = "/d".repeat(100);
    Path top = dir.resolve("0");
    Path deepest = Files.createDirectories(Path.of(top + piece));
    assertTrue(Files.isDirectory(deepest));
    for (int i = 1; i < DEEP / 100; i++) {
      Path next = dir.resolve(Integer.toString(i));
      Path bottom = Files.createDirectories(Path.of(next + piece));
      Files.writeString(bottom.resolve("file"), "x");
      assertTrue(Files.isDirectory(Files.move(top, bottom.resolve("e"))));
      top = next;
    }
    assertEquals(tree, Files.move(top, tree));
    int before = descriptors();
    AtomicInteger most = new AtomicInteger();
    AtomicInteger steps = new AtomicInteger();
    TreeRemover remover =
        new TreeRemover(
            () -> {
              if (steps.incrementAndGet() % 500 == 0) {
                most.accumulateAndGet(descriptors(), Math::max);
              }
              return false;
            });
    assertEquals(0, remover.remove(tree));
    assertFalse(Files.exists(tree));
    assertTrue(most.get() < before + 200, () -> "descriptors: " + most + ", before: " + before);
    assertTrue(steps.get() > DEEP, () -> "steps: " + steps);
  }

  private static int descriptors() {
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      return (int) open.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
