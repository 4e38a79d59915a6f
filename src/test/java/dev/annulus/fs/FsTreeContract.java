package dev.annulus.fs;

import static dev.annulus.fs.FsFixture.assertFails;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.ErrorKind;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Removing trees. See {@link FsEnduranceContract} for what takes long. */
interface FsTreeContract extends FsFixture {
  @Test
  @DisplayName("D5 removeDirectoryAll removes a directory and all in it, and nothing beside it")
  default void removeDirectoryAll_ofMixedTree_removesAllOfIt() throws Exception {
    Path tree = Files.createDirectories(path("tree"));
    Files.createDirectories(tree.resolve("a/b/c"));
    Files.createDirectories(tree.resolve("empty"));
    Files.writeString(tree.resolve("a/f"), "f");
    Files.writeString(tree.resolve("a/b/.hidden"), "f");
    Files.createSymbolicLink(tree.resolve("a/dangling"), Path.of("nowhere"));
    fifo("tree/a/fifo");
    Path beside = fileOf("tree2", "beside");
    fs().removeDirectoryAll(tree);
    assertFalse(Files.exists(tree));
    assertEquals("beside", Files.readString(beside));
    Path empty = Files.createDirectory(tree);
    fs().removeDirectoryAll(empty);
    assertFalse(Files.exists(empty));
  }

  @Test
  @DisplayName("D5 removeDirectoryAll unlinks links in the tree and does not follow them")
  default void removeDirectoryAll_linksInTree_leavesWhatTheyLeadTo() throws IOException {
    Path victim = directoryWith("victim", "sub");
    Path file = Files.writeString(victim.resolve("f"), "contents");
    Path tree = directoryWith("tree", "a");
    Files.createSymbolicLink(tree.resolve("toDirectory"), victim);
    Files.createSymbolicLink(tree.resolve("a/toDirectory"), Path.of("../../victim"));
    Files.createSymbolicLink(tree.resolve("a/toFile"), file);
    Files.createSymbolicLink(tree.resolve("a/toItsParent"), Path.of(".."));
    Files.createLink(tree.resolve("a/hardLink"), file);
    fs().removeDirectoryAll(tree);
    assertFalse(Files.exists(tree));
    assertEquals("contents", Files.readString(file));
    assertTrue(Files.isDirectory(victim.resolve("sub")));
  }

  @Test
  @DisplayName("D5 removeDirectoryAll: missing is NOT_FOUND, a file NOT_A_DIRECTORY")
  default void removeDirectoryAll_missingOrFile_fails() throws IOException {
    assertFails(ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().removeDirectoryAll(path("missing")));
    Path file = fileOf("f", "contents");
    assertFails(ErrorKind.NOT_A_DIRECTORY, NotDirectoryException.class, () -> fs().removeDirectoryAll(file));
    assertEquals("contents", Files.readString(file));
  }

  @Test
  @DisplayName("D5 removeDirectoryAll refuses a link as NOT_A_DIRECTORY, and leaves it and what it leads to")
  default void removeDirectoryAll_ofLink_refusesAndTouchesNothing() throws IOException {
    Path victim = directoryWith("victim", "sub");
    Path link = Files.createSymbolicLink(path("link"), victim);
    assertFails(ErrorKind.NOT_A_DIRECTORY, NotDirectoryException.class, () -> fs().removeDirectoryAll(link));
    Path dangling = Files.createSymbolicLink(path("dangling"), Path.of("nowhere"));
    assertFails(ErrorKind.NOT_A_DIRECTORY, NotDirectoryException.class, () -> fs().removeDirectoryAll(dangling));
    assertTrue(Files.isSymbolicLink(link) && Files.isSymbolicLink(dangling));
    assertTrue(Files.isDirectory(victim.resolve("sub")));
    fs().removeDirectoryAll(link.resolve("sub"));
    assertEquals(0, fs().readDirectory(victim).size());
  }

  @Test
  @DisplayName("D5 removeDirectoryAll of the directory one stands in says what the system says")
  default void removeDirectoryAll_ofCurrentDirectoryName_failsAsInvalidInput() throws IOException {
    Path tree = Files.createDirectories(path("tree"));
    assertFails(ErrorKind.INVALID_INPUT, FileSystemException.class, () -> fs().removeDirectoryAll(tree.resolve(".")));
    assertTrue(Files.isDirectory(tree));
  }

  @Test
  @DisplayName("D5 removeDirectoryAll removes deep trees")
  default void removeDirectoryAll_deep_removesAll() throws IOException {
    Path deepest = path("deep");
    for (int i = 0; i < 200; i++) {
      deepest = deepest.resolve("d" + i);
    }
    fs().createDirectories(deepest);
    Files.writeString(deepest.resolve("f"), "f");
    fs().removeDirectoryAll(path("deep"));
    assertFalse(Files.exists(path("deep")));
  }

  @Test
  @DisplayName("D3 D5 readDirectory and removeDirectoryAll take directories of more than one kernel buffer")
  default void removeDirectoryAll_wide_removesAll() throws IOException {
    Path wide = Files.createDirectories(path("wide"));
    Set<String> names = IntStream.range(0, 3000).mapToObj(i -> "name-" + i).collect(Collectors.toSet());
    for (String name : names) {
      if (name.endsWith("0")) {
        Files.writeString(Files.createDirectory(wide.resolve(name)).resolve("f"), "f");
      } else {
        Files.createFile(wide.resolve(name));
      }
    }
    Set<String> listed = new HashSet<>();
    for (FsDirEntry entry : fs().readDirectory(wide)) {
      assertEquals(entry.fileName().endsWith("0"), entry.isDirectory(), entry::toString);
      assertTrue(listed.add(entry.fileName()), entry::toString);
    }
    assertEquals(names, listed);
    fs().removeDirectoryAll(wide);
    assertFalse(Files.exists(wide));
  }
}
