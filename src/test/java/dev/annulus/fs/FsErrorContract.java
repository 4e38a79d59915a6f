package dev.annulus.fs;

import static dev.annulus.fs.FsFixture.assertFails;
import static dev.annulus.fs.FsFixture.bytes;
import static dev.annulus.fs.FsFixture.textAt;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.ErrnoException;
import dev.annulus.ErrorKind;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** What exceptions say, who may not call, and what is left when the runtime is closed. */
interface FsErrorContract extends FsFixture {
  @Test
  @DisplayName("E1 an exception tells path, number, symbol, kind and operation")
  default void failure_onPath_tellsAllAboutIt() {
    Path missing = path("missing");
    IOException thrown =
        assertFails(ErrorKind.NOT_FOUND, NoSuchFileException.class, () -> fs().open(missing, FsOpenOptions.reading()));
    assertEquals(missing.toString(), ((FileSystemException) thrown).getFile());
    ErrnoException errno = FsFixture.errnoOf(thrown);
    assertEquals(2, errno.errno());
    assertEquals("ENOENT", errno.symbol());
    assertEquals(ErrorKind.NOT_FOUND, errno.kind());
    assertEquals("open", errno.operation());
    for (String part : List.of(missing.toString(), "ENOENT", "errno 2", "open")) {
      assertTrue(String.valueOf(errno.getMessage()).contains(part), () -> part + " in " + errno.getMessage());
    }
  }

  @Test
  @DisplayName("E1 the exception of an operation on an open file is the ErrnoException, with path and place")
  default void failure_onOpenFile_tellsAllAboutIt() throws IOException {
    try (FsFile directory = fs().open(dir(), FsOpenOptions.reading())) {
      IOException thrown = assertFails(ErrorKind.IS_A_DIRECTORY, () -> directory.readAt(ByteBuffer.allocate(7), 42));
      ErrnoException errno = FsFixture.errnoOf(thrown);
      assertEquals(21, errno.errno());
      assertEquals("EISDIR", errno.symbol());
      assertEquals("read", errno.operation());
      for (String part : List.of(dir().toString(), "EISDIR", "7 bytes", "42")) {
        assertTrue(String.valueOf(thrown.getMessage()).contains(part), () -> part + " in " + thrown.getMessage());
      }
    }
  }

  @Test
  @DisplayName("E1 the stack trace begins with the caller's own")
  default void failure_thrown_hasTheCallersStackTrace() {
    IOException thrown = assertFails(ErrorKind.NOT_FOUND, () -> fs().metadata(path("missing")));
    boolean here = false;
    for (StackTraceElement element : thrown.getStackTrace()) {
      here |= element.getMethodName().equals("failure_thrown_hasTheCallersStackTrace");
    }
    assertTrue(here, () -> List.of(thrown.getStackTrace()).toString());
  }

  @Test
  @DisplayName("calls on the runtime's own thread are refused: they would wait for themselves")
  default void calls_onRuntimeThread_throwIllegalState() throws IOException {
    Map<String, Executable> calls = new LinkedHashMap<>();
    try (FsFile file = updating("f")) {
      calls.putAll(FsWholeFileContract.callsThatNeedAnOpenFile(file));
      calls.put("open", () -> fs().open(path("f"), FsOpenOptions.reading()));
      calls.put("createDirectory", () -> fs().createDirectory(path("d")));
      calls.put("createDirectories", () -> fs().createDirectories(path("d")));
      calls.put("readDirectory", () -> fs().readDirectory(dir()));
      calls.put("removeFile", () -> fs().removeFile(path("f")));
      calls.put("removeDirectoryAll", () -> fs().removeDirectoryAll(dir()));
      calls.put("rename", () -> fs().rename(path("f"), path("g")));
      calls.put("hardLink", () -> fs().hardLink(path("g"), path("f")));
      calls.put("fs.metadata", () -> fs().metadata(path("f")));
      calls.put("exists", () -> fs().exists(path("f")));
      calls.put("syncDirectory", () -> fs().syncDirectory(dir()));
      for (Map.Entry<String, Executable> call : calls.entrySet()) {
        boolean refused =
            onRuntimeThread(
                () -> {
                  assertThrows(IllegalStateException.class, call.getValue(), call.getKey());
                  return true;
                });
        assertTrue(refused, call.getKey());
      }
      assertTrue(onRuntimeThread(file::isOpen));
      assertEquals(0, file.position());
      assertEquals(0, file.size());
      assertFalse(onRuntimeThread(() -> isOpenAfterClose(file)));
    }
    assertEquals(List.of(new FsDirEntry(path("f"), "f", false)), fs().readDirectory(dir()));
  }

  private static boolean isOpenAfterClose(FsFile file) throws IOException {
    file.close();
    return file.isOpen();
  }

  @Test
  @DisplayName("calls on the runtime's own thread are refused while another waits with the cursor, too")
  default void cursorCalls_onRuntimeThreadWhileAnotherReads_throwIllegalState() throws Exception {
    // A virtual thread's read of an empty pipe waits in the ring; where pipes cannot be read so, it fails at once.
    Path fifo = fifo("fifo");
    try (FsFile pipe = fs().open(fifo, FsOpenOptions.none().withRead(true).withWrite(true))) {
      FutureTask<Integer> reader = new FutureTask<>(() -> pipe.read(ByteBuffer.allocate(1)));
      Thread.ofVirtual().start(reader);
      await().until(() -> reader.isDone() || runtime().stats().inFlight() > 0);
      for (Executable call :
          List.<Executable>of(
              pipe::position,
              () -> pipe.seek(0, SeekFrom.CURRENT),
              () -> pipe.read(ByteBuffer.allocate(1)),
              () -> pipe.write(ByteBuffer.allocate(1)),
              () -> pipe.truncate(1))) {
        assertTrue(
            onRuntimeThread(
                () -> {
                  assertThrows(IllegalStateException.class, call);
                  return true;
                }));
      }
      if (!reader.isDone()) {
        try (FsFile other = fs().open(fifo, FsOpenOptions.none().withWrite(true))) {
          FutureTask<Integer> writer = new FutureTask<>(() -> other.write(bytes("x")));
          Thread.ofVirtual().start(writer);
          assertEquals(1, writer.get(10, SECONDS));
          assertEquals(1, reader.get(10, SECONDS));
        }
      }
    }
  }

  @Test
  @DisplayName("closing a facade leaves a runtime that is not its own, and its files, as they are")
  default void close_ofFacadeOnSharedRuntime_leavesTheRuntime() throws Exception {
    try (FsFile file = updating("f")) {
      fs().close();
      runtime().nop().get(10, SECONDS);
      assertEquals(3, file.write(bytes("abc")));
      assertEquals("abc", textAt(file, 0, 3));
      assertTrue(fs().exists(path("f")));
    }
  }

  @Test
  @DisplayName("closing the runtime closes its files, and calls then fail instead of hanging")
  default void close_ofRuntime_closesFilesAndRefusesCalls() throws IOException {
    IoRuntime ended = configure(IoRuntime.builder()).open();
    Fs onEnded = Fs.on(ended, mode());
    FsFile file = onEnded.open(path("f"), FsOpenOptions.updating());
    assertEquals(3, file.write(bytes("abc")));
    ended.close();
    FsWholeFileContract.callsThatNeedAnOpenFile(file)
        .forEach(
            (name, call) -> {
              if (!name.contains("nothing") && !name.contains("start") && !name.contains("position")) {
                assertThrows(ClosedChannelException.class, call, name);
              }
            });
    file.close();
    assertThrows(IOException.class, () -> onEnded.open(path("f"), FsOpenOptions.reading()));
    assertThrows(IOException.class, () -> onEnded.metadata(path("f")));
    assertThrows(IOException.class, () -> onEnded.readDirectory(dir()));
    assertEquals(3, fs().metadata(path("f")).length());
  }
}
