package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.fs.Fs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Trees deeper than a stack, a table of descriptors and the system's longest path. */
abstract class DeepTreeContract extends BackendContract {
  private static final int SEGMENT = 1_000;
  private static final int SEGMENTS = 9;

  /** Beside the levels that are open there may be a descriptor or two on the way from one to the next. */
  private static final int MAX_DESCRIPTORS = 80;

  @SuppressWarnings("NullAway.Init") // makeRoom
  private Path trees;

  /** What a failed test leaves is too deep for everybody but this command. */
  @AfterEach
  final void removeWhatIsLeft() throws Exception {
    Process removal = new ProcessBuilder("rm", "-rf", trees.toString()).inheritIO().start();
    assertTrue(removal.waitFor(30, TimeUnit.SECONDS) && removal.exitValue() == 0, "rm -rf");
  }

  /** In memory where there is such a file system: thousands of directories take a disk a while. */
  @BeforeEach
  final void makeRoom() throws IOException {
    Path memory = Path.of("/dev/shm");
    trees = Files.createTempDirectory(Files.isWritable(memory) ? memory : dir, "annulus-trees");
  }

  @Test
  void removeTree_of9000Levels_removesAllWithFewDescriptors() throws Exception {
    Path tree = deepTree();
    int before = Processes.descriptors().size();
    AtomicBoolean over = new AtomicBoolean();
    AtomicInteger most = new AtomicInteger();
    Thread watcher =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (!over.get()) {
                    int _ = most.accumulateAndGet(countDescriptors(), Math::max);
                  }
                });
    try {
      runtime.removeTree(tree).get(50, TimeUnit.SECONDS);
    } finally {
      over.set(true);
    }
    assertTrue(watcher.join(Duration.ofSeconds(10)));
    assertFalse(Files.exists(tree));
    assertTrue(most.get() <= before + MAX_DESCRIPTORS, () -> before + " descriptors, then " + most);
    assertEquals(before, Processes.descriptors().size());
  }

  @Test
  void removeTree_deepAndWide_removesAll() throws Exception {
    Path tree = Files.createDirectory(trees.resolve("wide"));
    for (int i = 0; i < 12; i++) {
      Path down = tree;
      for (int level = 0; level < 60; level++) {
        down = Files.createDirectory(down.resolve(i + "-" + level % 3));
        Path _ = Files.createFile(down.resolve("file"));
        Path _ = Files.createDirectories(down.resolve("beside/it"));
        Path _ = Files.createSymbolicLink(down.resolve("link"), trees);
      }
    }
    runtime.removeTree(tree).get(30, TimeUnit.SECONDS);
    assertFalse(Files.exists(tree));
    assertTrue(Files.exists(trees));
  }

  /** A level that was closed on the way down and is somewhere else on the way up must not lead there. */
  @Test
  void removeTree_partsMovedOutMeanwhile_touchesNothingBeside() throws Exception {
    int rounds = 30;
    Path outside = Files.createDirectory(trees.resolve("outside"));
    Path precious = Files.createDirectories(outside.resolve("precious/sub"));
    Path _ = Files.writeString(outside.resolve("kept"), "kept");
    int moved = 0;
    for (int round = 0; round < rounds; round++) {
      Path tree = trees.resolve("tree-" + round);
      Path middle = chain(tree, 120);
      Path _ = chain(middle.resolve("part"), 80);
      Path target = outside.resolve("moved-" + round);
      Thread mover = Thread.ofPlatform().unstarted(() -> moveWhenBegun(tree, middle.resolve("part"), target));
      var removal = runtime.removeTree(tree);
      mover.start();
      try {
        removal.get(20, TimeUnit.SECONDS);
      } catch (ExecutionException e) {
        assertTrue(
            List.of(ErrorKind.OTHER, ErrorKind.DIRECTORY_NOT_EMPTY).contains(ErrorKind.of(e)), e::toString);
      }
      assertTrue(mover.join(Duration.ofSeconds(10)));
      moved += Files.exists(target) ? 1 : 0;
      assertTrue(Files.exists(precious) && Files.exists(outside.resolve("kept")), "round " + round);
    }
    System.out.println(moved + " of " + rounds + " parts were moved out in time");
  }

  @Test
  void createDirectories_whereNoneCanBeMade_failsWithThatLevelsError() throws Exception {
    Fs fs = Fs.on(runtime);
    Path none = Path.of("/proc/annulus/a/b");
    IOException failure =
        assertThrows(IOException.class, () -> fs.createDirectories(none));
    assertEquals(ErrorKind.NOT_FOUND, ErrorKind.of(failure), failure::toString);
    assertTrue(String.valueOf(failure.getMessage()).contains("/proc/annulus"), failure::toString);
  }

  @Test
  void createDirectories_ofManyLevels_makesThemAll() throws Exception {
    StringBuilder path = new StringBuilder("d");
    for (int i = 0; i < 1_500; i++) {
      path.append("/d");
    }
    Path deep = trees.resolve(path.toString());
    Fs fs = Fs.on(runtime);
    fs.createDirectories(deep);
    assertTrue(Files.isDirectory(deep));
    fs.createDirectories(deep);
    fs.removeDirectoryAll(trees.resolve("d"));
    assertFalse(Files.exists(trees.resolve("d")));
  }

  private static int countDescriptors() {
    try {
      return Processes.descriptors().size();
    } catch (IOException e) {
      return 0;
    }
  }

  private static void moveWhenBegun(Path tree, Path part, Path target) {
    try {
      Path _ = Files.move(part, target);
    } catch (IOException e) {
      // Removed already, with the tree.
      assertFalse(Files.exists(target), tree::toString);
    }
  }

  /** A chain of directories, each with a file; its deepest. */
  private static Path chain(Path top, int levels) throws IOException {
    Path deepest = Files.createDirectory(top);
    for (int i = 1; i < levels; i++) {
      Path _ = Files.createFile(deepest.resolve("f"));
      deepest = Files.createDirectory(deepest.resolve("d"));
    }
    return deepest;
  }

  /** Its paths are longer than the system takes, so it is put together from below. */
  private Path deepTree() throws IOException {
    Path below = null;
    for (int i = 0; i < SEGMENTS; i++) {
      Path top = trees.resolve("segment-" + i);
      StringBuilder path = new StringBuilder("d");
      for (int level = 2; level < SEGMENT; level++) {
        path.append("/d");
      }
      Path deepest = Files.createDirectories(top.resolve(path.toString()));
      Path _ = Files.createFile(deepest.resolve("file"));
      if (below != null) {
        Path _ = Files.move(below, deepest.resolve("below"));
      }
      below = top;
    }
    return Objects.requireNonNull(below);
  }
}
