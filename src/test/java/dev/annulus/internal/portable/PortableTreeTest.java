package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
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
      assertEquals(
          -Errno.ENOTDIR, new TreeRemover(() -> false).removeDirectory(secure, Path.of("link")));
      assertTrue(Files.isSymbolicLink(link));
    }
    assertEquals("kept", Files.readString(outside.resolve("kept")));
  }

  /** A step of the removal that somebody else comes before, by how the name begins, and what is done then. */
  private record Meddling(String method, String name, Change change) {}

  @FunctionalInterface
  private interface Change {
    void before(int time) throws IOException;
  }

  /** The directory as the removal sees it, where somebody else comes before some of its steps. */
  private static SecureDirectoryStream<?> meddledWith(
      SecureDirectoryStream<?> real, AtomicInteger times, Meddling meddling) {
    return (SecureDirectoryStream<?>)
        Proxy.newProxyInstance(
            PortableTreeTest.class.getClassLoader(),
            new Class<?>[] {SecureDirectoryStream.class},
            (_, method, args) -> {
              if (method.getName().equals(meddling.method)
                  && (args == null || args[0].toString().startsWith(meddling.name))) {
                meddling.change.before(times.incrementAndGet());
              }
              try {
                Object answer = method.invoke(real, args);
                return answer instanceof SecureDirectoryStream<?> opened
                    ? meddledWith(opened, times, meddling)
                    : answer;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  /** Removes {@code tree} while somebody meddles with it; answers how often they did. */
  @SuppressWarnings("unchecked")
  private int removedAgainst(Meddling meddling) throws IOException {
    AtomicInteger times = new AtomicInteger();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(dir)) {
      SecureDirectoryStream<Path> meddled =
          (SecureDirectoryStream<Path>)
              meddledWith((SecureDirectoryStream<Path>) stream, times, meddling);
      assertEquals(
          0, new TreeRemover(() -> false).removeDirectory(meddled, Path.of("tree")));
    }
    assertFalse(Files.exists(dir.resolve("tree")));
    return times.get();
  }

  @Test
  void remove_emptiedDirectoryThatBecameALink_removesTheLinkOnly() throws IOException {
    Path kept = Files.createDirectories(dir.resolve("outside/kept"));
    Path inner = Files.createDirectories(dir.resolve("tree/inner"));
    int times =
        removedAgainst(
            new Meddling(
                "deleteDirectory",
                "inner",
                time -> {
                  Files.delete(inner);
                  Path _ = Files.createSymbolicLink(inner, kept.getParent());
                }));
    assertEquals(1, times);
    assertTrue(Files.exists(kept));
  }

  @Test
  void remove_linkInADirectorysPlaceThatVanishes_isFine() throws IOException {
    Path inner = Files.createDirectories(dir.resolve("tree/inner"));
    Path link = Files.createSymbolicLink(dir.resolve("link"), dir);
    Meddling becomesALink =
        new Meddling(
            "deleteDirectory",
            "inner",
            time -> {
              Files.delete(inner);
              Path _ = Files.move(link, inner);
            });
    AtomicInteger times = new AtomicInteger();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(dir)) {
      SecureDirectoryStream<?> once =
          meddledWith((SecureDirectoryStream<?>) stream, times, becomesALink);
      @SuppressWarnings("unchecked")
      SecureDirectoryStream<Path> twice =
          (SecureDirectoryStream<Path>)
              meddledWith(
                  once, times, new Meddling("deleteFile", "inner", time -> Files.delete(inner)));
      assertEquals(0, new TreeRemover(() -> false).removeDirectory(twice, Path.of("tree")));
    }
    assertEquals(2, times.get());
    assertFalse(Files.exists(dir.resolve("tree")));
  }

  /** As of a file system whose server says otherwise than the kernel remembers. */
  @Test
  void remove_directoryThatIsNeverOneWhenItIsRemoved_isGivenUp() throws IOException {
    Path _ = Files.createDirectories(dir.resolve("tree/inner"));
    Meddling refusal =
        new Meddling(
            "deleteDirectory",
            "inner",
            time -> {
              throw new FileSystemException("inner", null, Errno.text(Errno.ENOTDIR));
            });
    assertThrows(FileSystemException.class, () -> removedAgainst(refusal));
    assertTrue(Files.exists(dir.resolve("tree/inner")));
  }

  /** Two remove the same tree at once, and the other is always a step ahead. */
  @Test
  void remove_manyDirectoriesThatSomebodyElseRemovesFirst_isFine() throws IOException {
    int many = 1500;
    Path tree = Files.createDirectory(dir.resolve("tree"));
    for (int i = 0; i < many; i++) {
      Path _ = Files.createDirectory(tree.resolve("inner" + i));
    }
    int times =
        removedAgainst(
            new Meddling(
                "deleteDirectory",
                "inner",
                time -> {
                  try (Stream<Path> all = Files.list(tree)) {
                    for (Path inner : all.limit(1).toList()) {
                      Files.delete(inner);
                    }
                  }
                }));
    assertTrue(times > 0);
  }

  @Test
  void remove_fileThatBecameADirectory_isEnteredAndRemoved() throws IOException {
    Path inner = Files.createFile(Files.createDirectory(dir.resolve("tree")).resolve("inner"));
    int times =
        removedAgainst(
            new Meddling(
                "deleteFile",
                "inner",
                time -> {
                  Files.delete(inner);
                  Path _ = Files.createFile(Files.createDirectory(inner).resolve("in"));
                }));
    assertEquals(1, times);
  }

  @Test
  void remove_directoryThatSomebodyRemovesBeforeItIsListed_isFine() throws IOException {
    Path inner = Files.createDirectories(dir.resolve("tree/inner"));
    int times =
        removedAgainst(
            new Meddling(
                "iterator",
                "",
                time -> {
                  if (time == 2) { // the first is the tree's own
                    Files.delete(inner);
                  }
                }));
    assertEquals(2, times);
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
