package dev.annulus.fs;

import static dev.annulus.fs.FsFixture.assertFails;
import static dev.annulus.fs.FsFixture.bytes;
import static dev.annulus.fs.FsFixture.textAt;
import static dev.annulus.fs.FsFixture.together;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.ErrorKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What concerns an open file as a whole: metadata, length, syncing, interrupts and closing. */
interface FsWholeFileContract extends FsFixture {
  @Test
  @DisplayName("F7 metadata tells length and type of files, directories, and what is neither")
  default void metadata_ofEachType_tellsLengthAndType() throws Exception {
    try (FsFile file = updating("f")) {
      assertEquals(5, file.write(bytes("hello")));
      assertEquals(new FsMetadata(5, false, true), file.metadata());
      assertEquals(new FsMetadata(5, false, true), fs().metadata(path("f")));
    }
    FsMetadata directory = fs().metadata(dir());
    assertTrue(directory.isDirectory() && !directory.isFile(), directory::toString);
    assertEquals(new FsMetadata(0, false, false), fs().metadata(fifo("fifo")));
    assertEquals(new FsMetadata(0, false, false), fs().metadata(Path.of("/dev/null")));
    try (FsFile device = fs().open(Path.of("/dev/null"), FsOpenOptions.reading())) {
      assertEquals(new FsMetadata(0, false, false), device.metadata());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @DisplayName("F8 setLength grows with zeros and shrinks, and leaves the cursor")
  default void setLength_longerAndShorter_growsWithZerosAndCuts(boolean append) throws IOException {
    Path path = fileOf("f", "0123456789");
    FsOpenOptions options = FsOpenOptions.none().withRead(true).withWrite(!append).withAppend(append);
    try (FsFile file = fs().open(path, options)) {
      assertEquals(9, file.seek(9, SeekFrom.START));
      file.setLength(4);
      assertEquals(4, file.size());
      file.setLength(8);
      assertEquals("0123\0\0\0\0", textAt(file, 0, 100));
      file.setLength(1L << 33);
      assertEquals(1L << 33, file.metadata().length());
      file.setLength(0);
      assertEquals(0, Files.size(path));
      assertEquals(9, file.position());
    }
  }

  @Test
  @DisplayName("F8 setLength of a file not open for writing, or to a negative length, is invalid input")
  default void setLength_readOnlyOrNegative_failsAsInvalidInput() throws IOException {
    Path path = fileOf("f", "0123456789");
    try (FsFile reading = fs().open(path, FsOpenOptions.reading());
        FsFile writing = updating("f")) {
      IOException thrown = assertFails(ErrorKind.INVALID_INPUT, () -> reading.setLength(4));
      assertEquals(22, FsFixture.errnoOf(thrown).errno());
      assertFails(ErrorKind.INVALID_INPUT, () -> writing.setLength(-1));
    }
    assertEquals(10, Files.size(path));
  }

  @Test
  @DisplayName("F9 syncAll and syncData succeed after writes, again, and on a file open for reading")
  default void sync_afterWritesAndOnReadOnlyFile_succeeds() throws IOException {
    try (FsFile file = updating("f");
        FsFile reading = fs().open(path("f"), FsOpenOptions.reading())) {
      assertEquals(5, file.write(bytes("hello")));
      file.syncData();
      file.syncAll();
      assertEquals(5, file.writeAt(bytes("there"), 100));
      file.syncAll();
      file.syncData();
      reading.syncAll();
      reading.syncData();
      assertEquals("there", textAt(reading, 100, 100));
    }
  }

  @Test
  @DisplayName("F9 a sync the file does not know is no lost data: it fails with the system's answer each time")
  default void sync_ofDevice_failsTheSameWayEachTime() throws IOException {
    try (FsFile device = fs().open(Path.of("/dev/null"), FsOpenOptions.none().withWrite(true))) {
      for (int i = 0; i < 2; i++) {
        assertEquals("EINVAL", FsFixture.errnoOf(assertFails(ErrorKind.INVALID_INPUT, device::syncAll)).symbol());
        assertEquals("EINVAL", FsFixture.errnoOf(assertFails(ErrorKind.INVALID_INPUT, device::syncData)).symbol());
      }
    }
  }

  @Test
  @DisplayName("R4 every call on a closed file throws ClosedChannelException, and closing again is fine")
  default void calls_onClosedFile_throwClosedChannel() throws IOException {
    FsFile file = updating("f");
    assertTrue(file.isOpen());
    file.close();
    file.close();
    assertFalse(file.isOpen());
    FsFile readOnly = fs().open(path("f"), FsOpenOptions.reading());
    readOnly.close();
    for (FsFile closed : List.of(file, readOnly)) {
      callsThatNeedAnOpenFile(closed)
          .forEach(
              (name, call) -> {
                ClosedChannelException thrown = assertThrows(ClosedChannelException.class, call, name);
                assertEquals(ErrorKind.CLOSED, ErrorKind.of(thrown), name);
              });
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @DisplayName("an interrupt that is pending does not end a call, close the file, or get lost")
  default void calls_withInterruptPending_complete(boolean virtual) throws Exception {
    fs().createDirectory(path("d"));
    Callable<Void> calls =
        () -> {
          Thread.currentThread().interrupt();
          try (FsFile file = updating("f")) {
            assertEquals(6, file.write(bytes("abcdef")));
            for (Map.Entry<String, Executable> call : callsThatNeedAnOpenFile(file).entrySet()) {
              call(call.getValue());
              assertTrue(Thread.currentThread().isInterrupted(), call.getKey());
              assertTrue(file.isOpen(), call.getKey());
            }
            file.setLength(0);
            assertEquals(3, file.writeAt(bytes("abc"), 0));
            assertEquals("abc", textAt(file, 0, 3));
          }
          assertEquals(List.of(), fs().readDirectory(path("d")));
          assertEquals(3, fs().metadata(path("f")).length());
          fs().removeDirectoryAll(path("d"));
          assertFalse(fs().exists(path("d")));
          assertTrue(Thread.interrupted());
          return null;
        };
    together(virtual, List.of(calls));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @DisplayName("interrupts that come during calls do not end them, close the file, or get lost")
  default void calls_interruptedMeanwhile_complete(boolean virtual) throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    AtomicBoolean interruptSeen = new AtomicBoolean();
    try (FsFile file = updating("f")) {
      assertEquals(4, file.write(bytes("wxyz")));
      Runnable reader =
          () -> {
            try {
              for (int i = 0; i < 2000 || !interruptSeen.get(); i++) {
                assertEquals("wxyz", textAt(file, 0, 4));
                interruptSeen.compareAndSet(false, Thread.interrupted());
              }
              done.set(true);
            } catch (IOException e) {
              throw new AssertionError(e);
            }
          };
      Thread thread = virtual ? Thread.ofVirtual().start(reader) : Thread.ofPlatform().start(reader);
      while (!thread.join(Duration.ofMillis(1))) {
        thread.interrupt();
      }
      assertTrue(done.get());
      assertTrue(interruptSeen.get());
      assertTrue(file.isOpen());
      assertEquals("wxyz", textAt(file, 0, 4));
    }
  }

  /** All calls but {@code isOpen} and {@code close}. */
  static Map<String, Executable> callsThatNeedAnOpenFile(FsFile file) {
    Map<String, Executable> calls = new LinkedHashMap<>();
    calls.put("read", () -> file.read(ByteBuffer.allocate(1)));
    calls.put("read nothing", () -> file.read(ByteBuffer.allocate(0)));
    calls.put("write", () -> file.write(bytes("x")));
    calls.put("write nothing", () -> file.write(bytes("")));
    calls.put("readAt", () -> file.readAt(ByteBuffer.allocate(1), 0));
    calls.put("readAt nothing", () -> file.readAt(ByteBuffer.allocate(0), 0));
    calls.put("readMany", () -> file.readMany(List.of(new ReadRequest(ByteBuffer.allocate(1), 0))));
    calls.put("readMany nothing", () -> file.readMany(List.of()));
    calls.put("writeAt", () -> file.writeAt(bytes("x"), 0));
    calls.put("writeAt nothing", () -> file.writeAt(bytes(""), 0));
    calls.put("seek from start", () -> file.seek(0, SeekFrom.START));
    calls.put("seek from end", () -> file.seek(0, SeekFrom.END));
    calls.put("position", file::position);
    calls.put("position(long)", () -> file.position(0));
    calls.put("size", file::size);
    calls.put("truncate", () -> file.truncate(2));
    calls.put("setLength", () -> file.setLength(3));
    calls.put("metadata", file::metadata);
    calls.put("syncAll", file::syncAll);
    calls.put("syncData", file::syncData);
    calls.put("tryLockExclusive", file::tryLockExclusive);
    calls.put("lockExclusive", file::lockExclusive);
    return calls;
  }

  private static void call(Executable call) throws IOException {
    try {
      call.execute();
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
