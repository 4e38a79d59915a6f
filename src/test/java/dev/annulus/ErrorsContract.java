package dev.annulus;

import static dev.annulus.Futures.assertNames;
import static dev.annulus.Futures.errnoOf;
import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What operations fail with: the exception a user of {@code java.nio.file} expects, and the error number in its chain. */
abstract class ErrorsContract extends BackendContract {
  /** A failing operation and what it is to fail with. */
  private record Case(
      CompletableFuture<?> future, Class<? extends FileSystemException> type, String symbol, ErrorKind kind, String file) {}

  private static Case of(
      CompletableFuture<?> future, Class<? extends FileSystemException> type, String symbol, ErrorKind kind, Path file) {
    return new Case(future, type, symbol, kind, file.toString());
  }

  private void assertAll(List<Case> cases) throws Exception {
    for (int i = 0; i < cases.size(); i++) {
      Case expected = cases.get(i);
      String what = "case " + i + ", " + expected.symbol + " of " + expected.file;
      Throwable failure = failure(expected.future);
      assertEquals(expected.type, failure.getClass(), what + ": " + failure);
      assertEquals(expected.file, ((FileSystemException) failure).getFile(), what);
      ErrnoException errno = assertInstanceOf(ErrnoException.class, failure.getCause(), what);
      assertEquals(expected.symbol, errno.symbol(), what);
      assertEquals(expected.kind, errno.kind(), what);
      assertEquals(expected.kind, ErrorKind.of(failure), what);
      assertNames(errno, errno.operation(), expected.file, expected.symbol, errno.errno());
    }
    awaitIdle(runtime);
  }

  @Test
  void pathsThatAreNotThere_failWithNoSuchFile() throws Exception {
    Path missing = missing();
    Path below = missing().resolve("below");
    Path file = file(bytes(1, 1));
    Class<NoSuchFileException> type = NoSuchFileException.class;
    assertAll(
        List.of(
            of(runtime.stat(missing), type, "ENOENT", ErrorKind.NOT_FOUND, missing),
            of(runtime.openFile(missing, READ), type, "ENOENT", ErrorKind.NOT_FOUND, missing),
            of(runtime.openFile(below, CREATE, WRITE), type, "ENOENT", ErrorKind.NOT_FOUND, below),
            of(runtime.createDirectory(below), type, "ENOENT", ErrorKind.NOT_FOUND, below),
            of(runtime.delete(missing), type, "ENOENT", ErrorKind.NOT_FOUND, missing),
            of(runtime.deleteFile(missing), type, "ENOENT", ErrorKind.NOT_FOUND, missing),
            of(runtime.rename(missing, file), type, "ENOENT", ErrorKind.NOT_FOUND, missing),
            of(runtime.rename(file, below), type, "ENOENT", ErrorKind.NOT_FOUND, file),
            of(runtime.link(below, missing), type, "ENOENT", ErrorKind.NOT_FOUND, missing),
            of(runtime.syncDirectory(missing), type, "ENOENT", ErrorKind.NOT_FOUND, missing),
            of(runtime.readDirectory(missing), type, "ENOENT", ErrorKind.NOT_FOUND, missing),
            of(runtime.removeTree(missing), type, "ENOENT", ErrorKind.NOT_FOUND, missing)));
    assertTrue(Files.exists(file));
  }

  @Test
  void namesThatAreTaken_failWithFileAlreadyExists() throws Exception {
    Path file = file(bytes(1, 1));
    Path other = file(bytes(1, 1));
    Class<FileAlreadyExistsException> type = FileAlreadyExistsException.class;
    assertAll(
        List.of(
            of(runtime.openFile(file, CREATE_NEW, WRITE), type, "EEXIST", ErrorKind.ALREADY_EXISTS, file),
            of(runtime.createDirectory(file), type, "EEXIST", ErrorKind.ALREADY_EXISTS, file),
            of(runtime.createDirectory(dir), type, "EEXIST", ErrorKind.ALREADY_EXISTS, dir),
            of(runtime.link(other, file), type, "EEXIST", ErrorKind.ALREADY_EXISTS, other)));
  }

  @Test
  void filesInTheWay_failWithNotDirectory() throws Exception {
    Path file = file(bytes(1, 1));
    Path below = file.resolve("below");
    Path link = Files.createSymbolicLink(missing(), dir);
    Class<NotDirectoryException> type = NotDirectoryException.class;
    assertAll(
        List.of(
            of(runtime.stat(below), type, "ENOTDIR", ErrorKind.NOT_A_DIRECTORY, below),
            of(runtime.openFile(below, CREATE, WRITE), type, "ENOTDIR", ErrorKind.NOT_A_DIRECTORY, below),
            of(runtime.createDirectory(below), type, "ENOTDIR", ErrorKind.NOT_A_DIRECTORY, below),
            of(runtime.delete(below), type, "ENOTDIR", ErrorKind.NOT_A_DIRECTORY, below),
            of(runtime.syncDirectory(file), type, "ENOTDIR", ErrorKind.NOT_A_DIRECTORY, file),
            of(runtime.readDirectory(file), type, "ENOTDIR", ErrorKind.NOT_A_DIRECTORY, file),
            of(runtime.removeTree(file), type, "ENOTDIR", ErrorKind.NOT_A_DIRECTORY, file),
            of(runtime.removeTree(link), type, "ENOTDIR", ErrorKind.NOT_A_DIRECTORY, link)));
    assertTrue(Files.isSymbolicLink(link) && Files.exists(file));
  }

  @Test
  void directoriesInTheWay_failAsWhatTheyAre() throws Exception {
    Path file = file(bytes(1, 1));
    Path full = Files.createDirectory(missing());
    Path inFull = Files.createFile(full.resolve("file"));
    Path empty = Files.createDirectory(missing());
    assertAll(
        List.of(
            of(runtime.openFile(full, WRITE), FileSystemException.class, "EISDIR", ErrorKind.IS_A_DIRECTORY, full),
            of(runtime.deleteFile(empty), FileSystemException.class, "EISDIR", ErrorKind.IS_A_DIRECTORY, empty),
            of(runtime.rename(file, empty), FileSystemException.class, "EISDIR", ErrorKind.IS_A_DIRECTORY, file),
            of(
                runtime.delete(full), DirectoryNotEmptyException.class, "ENOTEMPTY", ErrorKind.DIRECTORY_NOT_EMPTY, full),
            of(
                runtime.rename(empty, full),
                DirectoryNotEmptyException.class, "ENOTEMPTY", ErrorKind.DIRECTORY_NOT_EMPTY, full)));
    assertTrue(Files.exists(inFull) && Files.exists(empty) && Files.exists(file));
  }

  @Test
  void oddPaths_failWithWhatIsWrong() throws Exception {
    Path loop = missing();
    Path back = Files.createSymbolicLink(missing(), loop);
    assertEquals(loop, Files.createSymbolicLink(loop, back));
    Path tooLong = dir.resolve("n".repeat(256));
    assertAll(
        List.of(
            of(runtime.stat(loop), FileSystemLoopException.class, "ELOOP", ErrorKind.OTHER, loop),
            of(runtime.openFile(loop, READ), FileSystemLoopException.class, "ELOOP", ErrorKind.OTHER, loop),
            of(runtime.stat(tooLong), FileSystemException.class, "ENAMETOOLONG", ErrorKind.OTHER, tooLong),
            of(runtime.createDirectory(tooLong), FileSystemException.class, "ENAMETOOLONG", ErrorKind.OTHER, tooLong)));
  }

  @Test
  void otherFileSystem_asATarget_failsWithCrossesDevices() throws Exception {
    Path elsewhere = Path.of("/dev/shm");
    boolean other =
        Files.isDirectory(elsewhere) && get(runtime.stat(elsewhere)).device() != get(runtime.stat(dir)).device();
    if (!other) {
      System.out.println("skipped: " + elsewhere + " is no other file system than " + dir);
    }
    assumeTrue(other);
    Path file = file(bytes(1, 1));
    Path target = elsewhere.resolve(file.getFileName());
    assertAll(
        List.of(
            of(runtime.rename(file, target), AtomicMoveNotSupportedException.class, "EXDEV", ErrorKind.CROSSES_DEVICES, file),
            of(runtime.link(target, file), FileSystemException.class, "EXDEV", ErrorKind.CROSSES_DEVICES, file)));
    assertTrue(Files.exists(file));
  }

  /** As root, nothing but an immutable file refuses. */
  @Test
  void immutableFile_whenChanged_failsWithAccessDenied() throws Exception {
    Path file = file(bytes(1, 1));
    assumeChattr("+i", file);
    try {
      Class<AccessDeniedException> type = AccessDeniedException.class;
      assertAll(
          List.of(
              of(runtime.delete(file), type, "EPERM", ErrorKind.PERMISSION_DENIED, file),
              of(runtime.deleteFile(file), type, "EPERM", ErrorKind.PERMISSION_DENIED, file),
              of(runtime.openFile(file, WRITE), type, "EPERM", ErrorKind.PERMISSION_DENIED, file),
              of(runtime.rename(file, missing()), type, "EPERM", ErrorKind.PERMISSION_DENIED, file),
              of(runtime.link(missing(), file), type, "EPERM", ErrorKind.PERMISSION_DENIED, file)));
    } finally {
      assumeChattr("-i", file);
    }
    assertNull(get(runtime.delete(file)));
  }

  private static void assumeChattr(String change, Path file) throws Exception {
    Process process = new ProcessBuilder("chattr", change, file.toString()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    boolean done = process.waitFor() == 0;
    if (!done) {
      System.out.println("skipped: chattr cannot be used here: " + output);
    }
    assumeTrue(done, output);
  }

  @Test
  void operationsOnOpenFiles_failWithErrnoException() throws Exception {
    try (AsyncFile directory = open(dir, READ)) {
      for (IoFuture<?> read :
          List.<IoFuture<?>>of(
              directory.read(direct(8), 3), directory.readFully(direct(8), 3), directory.read(List.of(direct(8)), 3))) {
        ErrnoException failure = failure(ErrnoException.class, read);
        assertEquals("EISDIR", failure.symbol());
        assertEquals(ErrorKind.IS_A_DIRECTORY, failure.kind());
        assertNames(failure, "read", dir, "EISDIR", "3");
      }
    }
    try (AsyncFile full = open(Path.of("/dev/full"), WRITE)) {
      for (IoFuture<?> write :
          List.<IoFuture<?>>of(
              full.write(direct(8), 0), full.writeFully(direct(8), 0), full.writeDurably(direct(8), 0),
              full.write(List.of(direct(8)), 0))) {
        ErrnoException failure = failure(ErrnoException.class, write);
        assertEquals(ErrorKind.NO_SPACE, ErrorKind.of(failure));
        assertEquals(28, errnoOf(failure).errno());
        assertNames(failure, "write", "/dev/full", "ENOSPC");
      }
    }
  }
}
