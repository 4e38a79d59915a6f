package dev.annulus.fs;

import static dev.annulus.fs.FsFixture.assertFails;
import static dev.annulus.fs.FsFixture.bytes;
import static dev.annulus.fs.FsFixture.textAt;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.Backend;
import dev.annulus.ErrorKind;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Opening files: what options mean, and what paths may be. */
interface FsOpenContract extends FsFixture {
  @Test
  @DisplayName("O1 opening what is missing, without create, is NOT_FOUND")
  default void open_missingFile_failsAsNotFound() {
    for (FsOpenOptions options :
        List.of(FsOpenOptions.reading(), FsOpenOptions.none().withWrite(true), FsOpenOptions.none().withAppend(true))) {
      assertFails(ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().open(path("missing"), options));
      assertFails(ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().open(path("no").resolve("f"), options));
    }
    assertFails(
        ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().open(path("no").resolve("f"), FsOpenOptions.writing()));
    assertFalse(Files.exists(path("missing")));
  }

  @Test
  @DisplayName("O1 create makes a file, or leaves what is there; truncate empties it; createNew refuses it")
  default void open_creating_makesLeavesEmptiesOrRefuses() throws IOException {
    fs().open(path("f"), FsOpenOptions.updating()).close();
    assertEquals("", Files.readString(path("f")));
    Path old = fileOf("old", "contents");
    fs().open(old, FsOpenOptions.updating()).close();
    fs().open(old, FsOpenOptions.appending()).close();
    assertEquals("contents", Files.readString(old));
    FsOpenOptions createNew = FsOpenOptions.none().withWrite(true).withCreateNew(true);
    assertFails(ErrorKind.ALREADY_EXISTS, FileAlreadyExistsException.class, () -> fs().open(old, createNew));
    assertFails(
        ErrorKind.ALREADY_EXISTS, FileAlreadyExistsException.class, () -> fs().open(old, createNew.withTruncate(true)));
    assertEquals("contents", Files.readString(old));
    fs().open(old, FsOpenOptions.writing()).close();
    assertEquals(0, Files.size(old));
    fs().open(path("new"), createNew).close();
    assertTrue(Files.isRegularFile(path("new")));
    fs().open(path("log"), FsOpenOptions.none().withAppend(true).withCreateNew(true)).close();
    assertTrue(Files.isRegularFile(path("log")));
  }

  @Test
  @DisplayName("O1 links are followed when opening, but createNew takes even a dangling one for existing")
  default void open_links_areFollowed() throws IOException {
    Path link = Files.createSymbolicLink(path("link"), Path.of("target"));
    FsOpenOptions createNew = FsOpenOptions.none().withWrite(true).withCreateNew(true);
    assertFails(ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().open(link, FsOpenOptions.reading()));
    assertFails(ErrorKind.ALREADY_EXISTS, FileAlreadyExistsException.class, () -> fs().open(link, createNew));
    try (FsFile file = fs().open(link, FsOpenOptions.writing())) {
      assertEquals(1, file.write(bytes("x")));
    }
    assertEquals("x", Files.readString(path("target")));
    Path loop = Files.createSymbolicLink(path("loop"), Path.of("loop"));
    IOException thrown =
        assertFails(ErrorKind.OTHER, FileSystemLoopException.class, () -> fs().open(loop, FsOpenOptions.reading()));
    assertEquals("ELOOP", FsFixture.errnoOf(thrown).symbol());
  }

  @Test
  @DisplayName("O1 R4 a directory opened for writing, or read from, is IS_A_DIRECTORY")
  default void open_directory_failsForWritingAndOnReading() throws IOException {
    for (FsOpenOptions options :
        List.of(FsOpenOptions.none().withWrite(true), FsOpenOptions.none().withAppend(true), FsOpenOptions.updating())) {
      assertFails(ErrorKind.IS_A_DIRECTORY, FileSystemException.class, () -> fs().open(dir(), options));
    }
    try (FsFile directory = fs().open(dir(), FsOpenOptions.reading())) {
      assertTrue(directory.metadata().isDirectory());
      assertFails(ErrorKind.IS_A_DIRECTORY, () -> directory.readAt(ByteBuffer.allocate(1), 0));
      assertFails(ErrorKind.IS_A_DIRECTORY, () -> directory.read(ByteBuffer.allocate(1)));
      assertFails(
          ErrorKind.IS_A_DIRECTORY,
          () -> directory.readMany(List.of(new ReadRequest(ByteBuffer.allocateDirect(1), 0))));
    }
  }

  @Test
  @DisplayName("O1 a path that leads through a file is NOT_A_DIRECTORY, a name too long is refused by its number")
  default void open_impossiblePath_saysWhy() throws IOException {
    Path file = fileOf("f", "");
    assertFails(
        ErrorKind.NOT_A_DIRECTORY, NotDirectoryException.class, () -> fs().open(file.resolve("x"), FsOpenOptions.writing()));
    IOException thrown =
        assertFails(
            ErrorKind.OTHER, FileSystemException.class, () -> fs().open(path("x".repeat(256)), FsOpenOptions.writing()));
    assertEquals("ENAMETOOLONG", FsFixture.errnoOf(thrown).symbol());
  }

  @Test
  @DisplayName("O1 the descriptor is not for child processes")
  default void open_thenStartChild_childDoesNotHaveTheFile() throws Exception {
    try (FsFile file = updating("not-for-children")) {
      assertTrue(file.isOpen());
      Process ls = new ProcessBuilder("ls", "-l", "/proc/self/fd").redirectErrorStream(true).start();
      String descriptors = new String(ls.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, ls.waitFor(), descriptors);
      assertTrue(descriptors.contains("0 -> "), descriptors);
      assertFalse(descriptors.contains("not-for-children"), descriptors);
      if (runtime().backend() == Backend.IO_URING) {
        // ProcessBuilder closes all descriptors itself; children of native code rely on the flag.
        assertTrue((openFlags("not-for-children") & 02000000) != 0, "O_CLOEXEC");
      }
    }
  }

  private static int openFlags(String fileName) throws IOException {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      for (Path descriptor : descriptors.filter(Files::isSymbolicLink).toList()) {
        if (Files.readSymbolicLink(descriptor).endsWith(fileName)) {
          String info = Files.readString(Path.of("/proc/self/fdinfo").resolve(descriptor.getFileName()));
          return Integer.parseInt(info.replaceAll("(?s).*flags:\\s*([0-7]+).*", "$1"), 8);
        }
      }
    }
    throw new AssertionError("no descriptor of " + fileName);
  }

  @Test
  @DisplayName("O1 direct I/O works where it is aligned, reads a ragged end, and is honest about other places")
  default void open_direct_transfersAlignedBlocks() throws IOException {
    int block = 4096;
    ByteBuffer data = ByteBuffer.allocateDirect(3 * block).alignedSlice(block);
    while (data.remaining() >= Long.BYTES) {
      data.putLong(data.position());
    }
    data.clear().limit(2 * block);
    try (FsFile file = fs().open(path("f"), FsOpenOptions.updating().withDirect(true))) {
      assertEquals(2 * block, file.writeAt(data.duplicate(), 0));
      ByteBuffer back = ByteBuffer.allocateDirect(3 * block).alignedSlice(block).limit(2 * block);
      assertEquals(2 * block, file.readAt(back, 0));
      assertEquals(data, back.flip());
      file.setLength(block + 100);
      back.clear().limit(2 * block);
      assertEquals(block + 100, file.readAt(back, 0));
      assertEquals(data.duplicate().limit(block + 100), back.flip());
    }
  }

  @Test
  @DisplayName("O2 options without a meaning are invalid input, and touch nothing")
  default void open_meaninglessOptions_failAsInvalidInput() throws IOException {
    Path path = fileOf("f", "contents");
    FsOpenOptions none = FsOpenOptions.none();
    List<FsOpenOptions> meaningless =
        List.of(
            none,
            none.withCreate(true),
            none.withDirect(true),
            none.withTruncate(true),
            none.withAppend(true).withTruncate(true),
            none.withWrite(true).withAppend(true).withTruncate(true),
            none.withRead(true).withTruncate(true),
            none.withRead(true).withCreate(true),
            none.withRead(true).withCreateNew(true));
    for (FsOpenOptions options : meaningless) {
      for (Path p : List.of(path, path("new"))) {
        IOException thrown = assertFails(ErrorKind.INVALID_INPUT, () -> fs().open(p, options));
        assertEquals("EINVAL", FsFixture.errnoOf(thrown).symbol(), options::toString);
      }
    }
    assertEquals("contents", Files.readString(path));
    assertFalse(Files.exists(path("new")));
  }

  @Test
  @DisplayName("O3 no path holds a NUL: java.nio refuses it, as invalid input")
  default void open_pathWithNul_isInvalidInput() {
    InvalidPathException thrown =
        assertThrows(InvalidPathException.class, () -> fs().open(dir().resolve("a\0b"), FsOpenOptions.writing()));
    assertEquals(ErrorKind.INVALID_INPUT, ErrorKind.of(thrown));
  }

  @Test
  @DisplayName("O3 a name whose bytes are no text works in every call")
  default void calls_onNameThatIsNotUtf8_work() throws IOException {
    Path odd = Path.of(URI.create(dir().toUri() + "%FFodd%FE%C3"));
    Path other = Path.of(URI.create(dir().toUri() + "%FEother"));
    assertFalse(fs().exists(odd));
    try (FsFile file = fs().open(odd, FsOpenOptions.updating())) {
      assertEquals(3, file.write(bytes("abc")));
    }
    assertTrue(Files.exists(odd), "made under its own name");
    FsDirEntry entry = fs().readDirectory(dir()).getFirst();
    assertEquals(odd, entry.path());
    try (FsFile file = fs().open(entry.path(), FsOpenOptions.reading())) {
      assertEquals("abc", textAt(file, 0, 10));
    }
    assertEquals(3, fs().metadata(odd).length());
    fs().rename(odd, other);
    assertFalse(fs().exists(odd));
    fs().hardLink(odd, other);
    assertEquals(2, fs().readDirectory(dir()).size());
    fs().removeFile(other);
    fs().removeFile(odd);
    fs().createDirectories(odd.resolve(other.getFileName()));
    fs().syncDirectory(odd);
    assertEquals(List.of(new FsDirEntry(odd.resolve(other.getFileName()), name(other), true)), fs().readDirectory(odd));
    fs().removeDirectoryAll(odd);
    assertEquals(List.of(), fs().readDirectory(dir()));
  }

  private static String name(Path path) {
    return path.getName(path.getNameCount() - 1).toString();
  }
}
