package dev.annulus.fs;

import static dev.annulus.fs.FsFixture.assertFails;
import static dev.annulus.fs.FsFixture.bytes;
import static dev.annulus.fs.FsFixture.textAt;
import static dev.annulus.fs.FsFixture.together;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.ErrorKind;
import dev.annulus.testing.Needs;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Directories and names, but for {@link FsTreeContract the removal of trees}. */
interface FsDirectoryContract extends FsFixture {
  @Test
  @DisplayName("D1 createDirectory makes one; ALREADY_EXISTS, or NOT_FOUND without a parent")
  default void createDirectory_newExistingOrOrphaned_makesOrFails() throws IOException {
    Path d = path("d");
    fs().createDirectory(d);
    assertTrue(Files.isDirectory(d));
    Path file = fileOf("f", "");
    Path dangling = Files.createSymbolicLink(path("dangling"), Path.of("nowhere"));
    for (Path taken : List.of(d, file, dangling, dir())) {
      assertFails(ErrorKind.ALREADY_EXISTS, FileAlreadyExistsException.class, () -> fs().createDirectory(taken));
    }
    Path orphan = path("missing").resolve("d");
    assertFails(ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().createDirectory(orphan));
    assertFails(
        ErrorKind.NOT_A_DIRECTORY, NotDirectoryException.class, () -> fs().createDirectory(file.resolve("d")));
  }

  @Test
  @DisplayName("D2 createDirectories makes parents too, again and again, and through links")
  default void createDirectories_missingAndExisting_isThereAfterwards() throws IOException {
    Path deep = path("a").resolve("b").resolve("c");
    fs().createDirectories(deep);
    fs().createDirectories(deep);
    fs().createDirectories(deep.resolve("d"));
    fs().createDirectories(dir());
    fs().createDirectories(Path.of("/"));
    assertTrue(Files.isDirectory(deep.resolve("d")));
    Path link = Files.createSymbolicLink(path("link"), deep);
    fs().createDirectories(link);
    fs().createDirectories(link.resolve("e").resolve("f"));
    assertTrue(Files.isDirectory(deep.resolve("e").resolve("f")));
  }

  @Test
  @DisplayName("D2 createDirectories fails if a file, or a dangling link, is in the way")
  default void createDirectories_somethingInTheWay_fails() throws IOException {
    Path file = fileOf("f", "");
    assertFails(ErrorKind.ALREADY_EXISTS, FileAlreadyExistsException.class, () -> fs().createDirectories(file));
    assertFails(
        ErrorKind.NOT_A_DIRECTORY, NotDirectoryException.class, () -> fs().createDirectories(file.resolve("a").resolve("b")));
    Path dangling = Files.createSymbolicLink(path("dangling"), Path.of("nowhere"));
    assertFails(ErrorKind.NOT_FOUND, () -> fs().createDirectories(dangling));
    assertFails(ErrorKind.NOT_FOUND, () -> fs().createDirectories(dangling.resolve("a")));
  }

  @Test
  @DisplayName("D2 createDirectories by many threads at once succeeds for all")
  default void createDirectories_concurrently_succeedsForAll() throws Exception {
    for (int round = 0; round < 20; round++) {
      Path deep = path("r" + round).resolve("a").resolve("b").resolve("c");
      Callable<Void> creator =
          () -> {
            fs().createDirectories(deep);
            return null;
          };
      together(round % 2 == 0, Collections.nCopies(8, creator));
      assertTrue(Files.isDirectory(deep));
    }
  }

  @Test
  @DisplayName("D3 readDirectory lists names of every kind, without . and ..; a link to a directory is none")
  default void readDirectory_ofEveryKind_listsNamesAndTypes() throws Exception {
    assertEquals(List.of(), fs().readDirectory(dir()));
    Path d = Files.createDirectory(path("d"));
    fileOf(".hidden", "");
    fileOf("..twodots", "");
    fileOf("x".repeat(255), "");
    fileOf("a name with spaces\n\"and more\"", "");
    Files.createSymbolicLink(path("linkToDirectory"), d);
    Files.createSymbolicLink(path("dangling"), Path.of("nowhere"));
    fifo("fifo");
    fs().createDirectory(d.resolve("deeper"));
    Set<FsDirEntry> expected = new HashSet<>();
    for (String name :
        List.of(
            ".hidden", "..twodots", "x".repeat(255), "a name with spaces\n\"and more\"", "linkToDirectory", "dangling", "fifo")) {
      expected.add(new FsDirEntry(path(name), name, false));
    }
    expected.add(new FsDirEntry(d, "d", true));
    List<FsDirEntry> entries = fs().readDirectory(dir());
    assertEquals(expected, new HashSet<>(entries));
    assertEquals(expected.size(), entries.size());
    Path link = path("linkToDirectory");
    assertEquals(List.of(new FsDirEntry(link.resolve("deeper"), "deeper", true)), fs().readDirectory(link));
  }

  @Test
  @DisplayName("D3 readDirectory: missing is NOT_FOUND, a file NOT_A_DIRECTORY")
  default void readDirectory_missingOrFile_fails() throws IOException {
    assertFails(ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().readDirectory(path("missing")));
    Path file = fileOf("f", "");
    assertFails(ErrorKind.NOT_A_DIRECTORY, NotDirectoryException.class, () -> fs().readDirectory(file));
  }

  @Test
  @DisplayName("D4 removeFile removes a file, or a link itself")
  default void removeFile_ofFileAndLinks_removesJustThat() throws IOException {
    Path file = fileOf("f", "contents");
    Path directory = Files.createDirectory(path("d"));
    for (Path target : List.of(file, directory, Path.of("nowhere"))) {
      Path link = Files.createSymbolicLink(path("link"), target);
      fs().removeFile(link);
      assertFalse(Files.exists(link, LinkOption.NOFOLLOW_LINKS));
    }
    assertTrue(Files.exists(file) && Files.exists(directory));
    fs().removeFile(file);
    assertFalse(Files.exists(file));
  }

  @Test
  @DisplayName("D4 removeFile: missing is NOT_FOUND, a directory IS_A_DIRECTORY, even an empty one")
  default void removeFile_missingOrDirectory_fails() throws IOException {
    assertFails(ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().removeFile(path("missing")));
    Path directory = Files.createDirectory(path("d"));
    assertFails(ErrorKind.IS_A_DIRECTORY, FileSystemException.class, () -> fs().removeFile(directory));
    assertTrue(Files.isDirectory(directory));
  }

  @Test
  @DisplayName("D4 remove removes a file, a link itself, or an empty directory, nothing else")
  default void remove_ofAnything_removesItUnlessItIsAFullDirectory() throws IOException {
    Path directory = directoryWith("d", "child");
    fs().remove(Files.createSymbolicLink(path("link"), directory));
    assertFalse(Files.exists(path("link"), LinkOption.NOFOLLOW_LINKS));
    fs().remove(fileOf("f", "contents"));
    assertFalse(Files.exists(path("f")));
    assertFails(ErrorKind.DIRECTORY_NOT_EMPTY, DirectoryNotEmptyException.class, () -> fs().remove(directory));
    assertTrue(Files.isDirectory(directory.resolve("child")));
    fs().remove(directory.resolve("child"));
    fs().remove(directory);
    assertFalse(Files.exists(directory));
    assertFails(ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().remove(directory));
  }

  @Test
  @DisplayName("D4 an open file outlives its name")
  default void removeFile_whileOpen_leavesTheOpenFile() throws IOException {
    try (FsFile file = updating("f")) {
      assertEquals(3, file.write(bytes("abc")));
      fs().removeFile(path("f"));
      assertEquals("abc", textAt(file, 0, 10));
      assertFalse(fs().exists(path("f")));
    }
  }

  @Test
  @DisplayName("D6 rename moves files, directories and links, and replaces a file")
  default void rename_toFreeOrTakenName_movesOrReplaces() throws IOException {
    Path a = fileOf("a", "a");
    Path b = fileOf("b", "b");
    fs().rename(a, b);
    assertEquals("a", Files.readString(b));
    assertFalse(Files.exists(a));
    Path d = Files.createDirectories(path("d").resolve("sub"));
    fs().rename(path("d"), path("e"));
    assertTrue(Files.isDirectory(path("e").resolve("sub")));
    assertFalse(Files.exists(d));
    Path link = Files.createSymbolicLink(path("link"), Path.of("nowhere"));
    fs().rename(link, path("link2"));
    assertEquals(Path.of("nowhere"), Files.readSymbolicLink(path("link2")));
    fs().rename(b, b);
    assertEquals("a", Files.readString(b));
  }

  @Test
  @DisplayName("D6 rename: missing is NOT_FOUND; what cannot be replaced says why")
  default void rename_impossible_fails() throws IOException {
    assertFails(ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().rename(path("missing"), path("x")));
    Path file = fileOf("f", "");
    assertFails(
        ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().rename(file, path("missing").resolve("x")));
    Path empty = Files.createDirectory(path("empty"));
    Path full = directoryWith("full", "sub");
    assertFails(ErrorKind.IS_A_DIRECTORY, FileSystemException.class, () -> fs().rename(file, empty));
    assertFails(ErrorKind.NOT_A_DIRECTORY, NotDirectoryException.class, () -> fs().rename(empty, file));
    assertFails(ErrorKind.DIRECTORY_NOT_EMPTY, DirectoryNotEmptyException.class, () -> fs().rename(empty, full));
    assertFails(
        ErrorKind.INVALID_INPUT, FileSystemException.class, () -> fs().rename(full, full.resolve("sub").resolve("x")));
    assertTrue(Files.exists(file) && Files.isDirectory(empty));
    fs().rename(full, empty);
    assertTrue(Files.isDirectory(empty.resolve("sub")));
  }

  @Test
  @DisplayName("D6 D9 rename and hardLink to another file system are CROSSES_DEVICES")
  default void renameAndLink_toOtherDevice_failAsCrossesDevices() throws IOException {
    Path shm = Path.of("/dev/shm");
    if (!Files.isWritable(shm) || Files.getFileStore(shm).equals(Files.getFileStore(dir()))) {
      Needs.skip("no second file system: /dev/shm is missing, or the temporary directory is on it");
    }
    Path file = fileOf("f", "contents");
    Path elsewhere = Files.createTempDirectory(shm, "annulus");
    Path target = elsewhere.resolve("f");
    try {
      IOException thrown =
          assertFails(
              ErrorKind.CROSSES_DEVICES,
              AtomicMoveNotSupportedException.class,
              () -> fs().rename(file, target));
      assertEquals("EXDEV", FsFixture.errnoOf(thrown).symbol());
      assertFails(ErrorKind.CROSSES_DEVICES, FileSystemException.class, () -> fs().hardLink(target, file));
      assertFalse(Files.exists(target));
      assertEquals("contents", Files.readString(file));
    } finally {
      Files.deleteIfExists(target);
      Files.delete(elsewhere);
    }
  }

  @Test
  @DisplayName("D6 rename is atomic: whoever opens the target meanwhile finds the old file or the new, whole")
  default void rename_whileTargetIsRead_showsOldOrNew() throws Exception {
    Path target = fileOf("target", "00000000");
    AtomicBoolean done = new AtomicBoolean();
    Callable<Void> renamer =
        () -> {
          try {
            for (int i = 1; i <= 300; i++) {
              fs().rename(fileOf("source", String.format("%08d", i)), target);
            }
          } finally {
            done.set(true);
          }
          return null;
        };
    Callable<Void> reader =
        () -> {
          int last = 0;
          while (!done.get()) {
            try (FsFile file = fs().open(target, FsOpenOptions.reading())) {
              String text = textAt(file, 0, 9);
              assertEquals(8, text.length());
              int now = Integer.parseInt(text);
              assertTrue(last <= now, "went back from " + last + " to " + now);
              last = now;
            }
          }
          return null;
        };
    together(false, List.of(renamer, reader));
    assertEquals("00000300", Files.readString(target));
  }

  @Test
  @DisplayName("D7 metadata and exists follow links; missing and dangling are NOT_FOUND and false")
  default void metadataAndExists_ofLinks_follow() throws IOException {
    Path file = fileOf("f", "abc");
    Path toFile = Files.createSymbolicLink(path("toFile"), file);
    Path toDirectory = Files.createSymbolicLink(path("toDirectory"), dir());
    Path dangling = Files.createSymbolicLink(path("dangling"), Path.of("nowhere"));
    assertEquals(new FsMetadata(3, false, true), fs().metadata(toFile));
    assertTrue(fs().metadata(toDirectory).isDirectory());
    assertTrue(fs().exists(file) && fs().exists(toFile) && fs().exists(toDirectory) && fs().exists(dir()));
    for (Path missing : List.of(dangling, path("missing"), path("missing").resolve("x"))) {
      assertFalse(fs().exists(missing));
      assertFails(ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().metadata(missing));
    }
  }

  @Test
  @DisplayName("D7 errors other than NOT_FOUND surface from exists")
  default void exists_otherErrors_areThrown() throws IOException {
    Path file = fileOf("f", "abc");
    Path loop = Files.createSymbolicLink(path("loop"), Path.of("loop"));
    assertFails(ErrorKind.NOT_A_DIRECTORY, NotDirectoryException.class, () -> fs().exists(file.resolve("x")));
    assertFails(ErrorKind.OTHER, FileSystemLoopException.class, () -> fs().exists(loop));
    assertFails(ErrorKind.OTHER, FileSystemException.class, () -> fs().exists(path("x".repeat(256))));
    assertFails(ErrorKind.NOT_A_DIRECTORY, NotDirectoryException.class, () -> fs().metadata(file.resolve("x")));
  }

  @Test
  @DisplayName("D8 syncDirectory syncs; missing is NOT_FOUND, a file NOT_A_DIRECTORY")
  default void syncDirectory_ofEachKind_syncsOrFails() throws IOException {
    Path file = fileOf("f", "");
    fs().syncDirectory(dir());
    fs().syncDirectory(dir());
    assertFails(ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().syncDirectory(path("missing")));
    assertFails(ErrorKind.NOT_A_DIRECTORY, NotDirectoryException.class, () -> fs().syncDirectory(file));
  }

  @Test
  @DisplayName("D9 hardLink gives a file another name; a symbolic link is itself linked")
  default void hardLink_ofFileAndLink_sharesWhatItNames() throws IOException {
    Path file = fileOf("f", "abc");
    fs().hardLink(path("other"), file);
    try (FsFile other = fs().open(path("other"), FsOpenOptions.appending())) {
      assertEquals(3, other.write(bytes("def")));
    }
    fs().removeFile(file);
    assertEquals("abcdef", Files.readString(path("other")));
    Path dangling = Files.createSymbolicLink(path("dangling"), Path.of("nowhere"));
    fs().hardLink(path("dangling2"), dangling);
    assertEquals(Path.of("nowhere"), Files.readSymbolicLink(path("dangling2")));
  }

  @Test
  @DisplayName("D9 hardLink: taken is ALREADY_EXISTS, a missing source NOT_FOUND, a directory refused")
  default void hardLink_impossible_fails() throws IOException {
    Path file = fileOf("f", "abc");
    Path taken = fileOf("taken", "mine");
    IOException thrown =
        assertFails(ErrorKind.ALREADY_EXISTS, FileAlreadyExistsException.class, () -> fs().hardLink(taken, file));
    assertEquals(taken.toString(), ((FileSystemException) thrown).getFile());
    assertEquals("mine", Files.readString(taken));
    assertFails(ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().hardLink(path("new"), path("missing")));
    assertFails(ErrorKind.PERMISSION_DENIED, AccessDeniedException.class, () -> fs().hardLink(path("new"), dir()));
    assertFalse(Files.exists(path("new")));
  }
}
