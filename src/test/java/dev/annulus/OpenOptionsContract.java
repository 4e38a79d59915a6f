package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.DELETE_ON_CLOSE;
import static java.nio.file.StandardOpenOption.DSYNC;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.SPARSE;
import static java.nio.file.StandardOpenOption.SYNC;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Opening files: the options mean what they mean to {@link FileChannel#open}, tried one beside the other. */
abstract class OpenOptionsContract extends BackendContract {
  private static final List<OpenOption> COMBINED = List.of(READ, WRITE, APPEND, TRUNCATE_EXISTING, CREATE, CREATE_NEW);
  private static final List<Set<OpenOption>> WITH =
      List.of(
          Set.of(),
          Set.of(LinkOption.NOFOLLOW_LINKS),
          Set.of(DELETE_ON_CLOSE),
          Set.of(SYNC),
          Set.of(DSYNC),
          Set.of(SPARSE));

  /** What there is at the path before it is opened. */
  enum Before {
    NOTHING,
    FILE,
    EMPTY_FILE,
    DIRECTORY,
    LINK_TO_FILE,
    LINK_TO_NOTHING,
    LINK_TO_DIRECTORY,
    BELOW_A_FILE,
    BELOW_NOTHING;

    Path make(Path in) throws IOException {
      Path path = in.resolve("it");
      Path other = in.resolve("other");
      return switch (this) {
        case NOTHING -> path;
        case FILE -> Files.writeString(path, "contents");
        case EMPTY_FILE -> Files.createFile(path);
        case DIRECTORY -> Files.createDirectory(path);
        case LINK_TO_FILE -> Files.createSymbolicLink(path, Files.writeString(other, "contents"));
        case LINK_TO_NOTHING -> Files.createSymbolicLink(path, other);
        case LINK_TO_DIRECTORY -> Files.createSymbolicLink(path, Files.createDirectory(other));
        case BELOW_A_FILE -> Files.createFile(path).resolve("below");
        case BELOW_NOTHING -> path.resolve("below");
      };
    }
  }

  /** What an opening came to. */
  record Outcome(
      @Nullable Class<?> refusedWith, String whileOpen, boolean readable, boolean writable, String afterwards) {}

  @ParameterizedTest
  @EnumSource(Before.class)
  void openFile_withEachCombinationOfOptions_doesWhatFileChannelOpenDoes(Before before) throws Exception {
    int opened = 0;
    for (Set<OpenOption> with : WITH) {
      for (int bits = 0; bits < 1 << COMBINED.size(); bits++) {
        Set<OpenOption> options = new HashSet<>(with);
        for (int i = 0; i < COMBINED.size(); i++) {
          if ((bits & 1 << i) != 0) {
            options.add(COMBINED.get(i));
          }
        }
        Outcome expected = expected(before, options);
        Outcome actual = byAnnulus(before, options);
        String what = before + " " + options;
        if (expected.refusedWith != null && actual.refusedWith != null) {
          assertTrue(expected.refusedWith.isAssignableFrom(actual.refusedWith), what + ": " + actual + ", not " + expected);
          assertEquals(expected.afterwards, actual.afterwards, what);
        } else {
          assertEquals(expected, actual, what);
          opened++;
        }
      }
    }
    assertEquals(before.name().startsWith("BELOW"), opened == 0);
  }

  /**
   * {@code FileChannel} does not read and append at once: it is then asked to append, and the answer is to be readable too. And
   * it follows links in spite of NOFOLLOW_LINKS when there is a CREATE_NEW, even one that means nothing as it only reads.
   */
  private Outcome expected(Before before, Set<OpenOption> options) throws IOException {
    Set<OpenOption> theirs = new HashSet<>(options);
    if (!options.contains(WRITE) && !options.contains(APPEND)) {
      theirs.remove(CREATE_NEW);
    }
    if (!options.containsAll(Set.of(READ, APPEND))) {
      return byFileChannel(before, theirs);
    }
    theirs.remove(READ);
    Outcome outcome = byFileChannel(before, theirs);
    return new Outcome(
        outcome.refusedWith, outcome.whileOpen, outcome.refusedWith == null, outcome.writable, outcome.afterwards);
  }

  private Outcome byFileChannel(Before before, Set<OpenOption> options) throws IOException {
    Path in = Files.createTempDirectory(dir, "nio");
    try {
      FileChannel channel = FileChannel.open(before.make(in), options);
      return use(
          in, channel, () -> channel.read(ByteBuffer.allocate(1), 0), () -> channel.write(ByteBuffer.wrap(new byte[] {'!'}), 0));
    } catch (IOException | IllegalArgumentException | UnsupportedOperationException e) {
      return new Outcome(e.getClass(), "", false, false, describe(in));
    }
  }

  private Outcome byAnnulus(Before before, Set<OpenOption> options) throws Exception {
    Path in = Files.createTempDirectory(dir, "annulus");
    try {
      AsyncFile file = get(runtime.openFile(before.make(in), options));
      return use(
          in,
          file::close,
          () -> get(file.read(ByteBuffer.allocate(1), 0)),
          () -> get(file.write(ByteBuffer.wrap(new byte[] {'!'}), 0)));
    } catch (IOException | IllegalArgumentException | UnsupportedOperationException e) {
      return new Outcome(e.getClass(), "", false, false, describe(in));
    }
  }

  private static Outcome use(Path in, Closeable opened, Attempt read, Attempt write) throws IOException {
    String whileOpen;
    boolean readable;
    boolean writable;
    try (opened) {
      whileOpen = describe(in);
      readable = can(read);
      writable = can(write);
    }
    return new Outcome(null, whileOpen, readable, writable, describe(in));
  }

  private interface Attempt {
    Object make() throws Exception;
  }

  /** Reading a directory is allowed, and fails: that too is being readable. */
  private static boolean can(Attempt attempt) {
    try {
      return attempt.make() != null;
    } catch (NonReadableChannelException | NonWritableChannelException e) {
      return false;
    } catch (Exception e) {
      return true;
    }
  }

  /** Names, types and contents below a directory. */
  private static String describe(Path in) throws IOException {
    StringBuilder text = new StringBuilder();
    for (String name : List.of("it", "other")) {
      Path path = in.resolve(name);
      text.append(name).append('=');
      if (Files.isSymbolicLink(path)) {
        text.append("link ");
      } else if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        text.append("directory ");
      } else if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
        text.append('\'').append(Files.readString(path)).append("' ").append(Files.getPosixFilePermissions(path));
      } else {
        text.append("nothing ");
      }
    }
    return text.toString();
  }

  // ---- attributes ----

  @ParameterizedTest
  @ValueSource(strings = {"rwxrwxrwx", "rw-------", "r--r--r--", "---------"})
  void openFile_withPermissions_createsAsFileChannelDoes(String permissions) throws Exception {
    FileAttribute<Set<PosixFilePermission>> attribute =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions));
    Path theirs = missing();
    FileChannel.open(theirs, Set.of(CREATE, WRITE), attribute).close();
    Path ours = missing();
    get(runtime.openFile(ours, Set.of(CREATE, WRITE), attribute)).close();
    assertEquals(Files.getPosixFilePermissions(theirs), Files.getPosixFilePermissions(ours));
  }

  @Test
  void openFile_withPermissionsOfAFileThatExists_leavesThem() throws Exception {
    Path path = file(bytes(1, 1));
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-x---"));
    FileAttribute<?> attribute = PosixFilePermissions.asFileAttribute(Set.of());
    get(runtime.openFile(path, Set.of(CREATE, WRITE), attribute)).close();
    assertEquals("rwxr-x---", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
  }

  @Test
  void openFile_withUnsupportedAttribute_throwsAndCreatesNothing() throws Exception {
    Path path = missing();
    FileAttribute<String> owner =
        new FileAttribute<>() {
          @Override
          public String name() {
            return "posix:owner";
          }

          @Override
          public String value() {
            return "root";
          }
        };
    assertThrows(UnsupportedOperationException.class, () -> FileChannel.open(path, Set.of(CREATE, WRITE), owner));
    assertThrows(UnsupportedOperationException.class, () -> runtime.openFile(path, Set.of(CREATE, WRITE), owner).join());
    assertTrue(Files.notExists(path));
  }

  // ---- the rest ----

  @Test
  void openFile_withUnknownOption_throwsAndCreatesNothing() throws Exception {
    enum Unknown implements OpenOption {
      OPTION
    }
    Path path = missing();
    long submitted = runtime.stats().submitted();
    UnsupportedOperationException refused =
        assertThrows(
            UnsupportedOperationException.class, () -> runtime.openFile(path, CREATE, WRITE, Unknown.OPTION).join());
    Futures.assertNames(refused, "OPTION");
    assertTrue(Files.notExists(path));
    assertEquals(submitted, runtime.stats().submitted());
  }

  @Test
  void openFile_withAnOptionTwice_takesItOnce() throws Exception {
    Path path = missing();
    FileChannel.open(path, CREATE, WRITE, CREATE, WRITE).close();
    get(runtime.openFile(path, CREATE, WRITE, CREATE, WRITE)).close();
    assertTrue(Files.exists(path));
  }

  @Test
  void openFile_withNoOptions_reads() throws Exception {
    try (AsyncFile file = open(file(bytes(10, 1)))) {
      assertEquals(10, get(file.read(direct(20), 0)));
      assertThrows(NonWritableChannelException.class, () -> file.write(direct(1), 0).join());
    }
  }

  @Test
  void openFile_toDeleteOnClose_removesTheNameAtOnceAndNotWhatALinkLeadsTo() throws Exception {
    Path path = file(bytes(10, 1));
    for (int i = 0; i < 200; i++) {
      Path scratch = missing();
      try (AsyncFile file = open(scratch, CREATE, READ, WRITE, DELETE_ON_CLOSE)) {
        assertTrue(Files.notExists(scratch), "still there when the future is complete");
        assertEquals(3, get(file.write(direct(bytes(3, 1)), 0)));
        assertEquals(3, get(file.read(direct(9), 0)));
      }
    }
    Path link = Files.createSymbolicLink(missing(), path);
    IOException refused = failure(IOException.class, runtime.openFile(link, READ, DELETE_ON_CLOSE));
    assertEquals("ELOOP", Futures.errnoOf(refused).symbol());
    assertTrue(Files.isSymbolicLink(link));
    assertTrue(Files.exists(path));
  }

  /** A cancelled opening that yet succeeds must not leave the file it made, which was to be gone. */
  @Test
  void openFile_toDeleteOnCloseAndCancelled_leavesNoFileIfItMadeOne() throws Exception {
    for (int i = 0; i < 500; i++) {
      Path scratch = dir.resolve("cancelled-" + i);
      CompletableFuture<AsyncFile> opening = runtime.openFile(scratch, CREATE, READ, WRITE, DELETE_ON_CLOSE);
      if (!opening.cancel(true)) {
        get(opening).close();
      }
    }
    get(runtime.nop());
    Awaitility.await().untilAsserted(() -> assertEquals(List.of(), cancelledFilesLeft()));
  }

  private List<String> cancelledFilesLeft() throws IOException {
    List<String> left = new ArrayList<>(Processes.descriptors());
    left.removeIf(target -> !target.contains("cancelled-"));
    try (DirectoryStream<Path> names = Files.newDirectoryStream(dir, "cancelled-*")) {
      names.forEach(name -> left.add("name " + name));
    }
    return left;
  }

  @Test
  void openFile_whoseDescriptor_isNotInheritedByChildren() throws Exception {
    Path path = file(bytes(10, 1));
    try (AsyncFile file = open(path, READ)) {
      assertEquals(1, Processes.descriptorsOf(path));
      Process child = new ProcessBuilder("sh", "-c", "ls -l /proc/self/fd").redirectErrorStream(true).start();
      String listing = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, child.waitFor());
      assertTrue(listing.contains("->"), listing);
      assertFalse(listing.contains(path.toString()), listing);
      assertEquals(path, file.path());
    }
  }
}
