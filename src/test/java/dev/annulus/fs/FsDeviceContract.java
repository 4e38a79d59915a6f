package dev.annulus.fs;

import static dev.annulus.fs.FsFixture.assertFails;
import static dev.annulus.fs.FsFixture.bytes;
import static dev.annulus.fs.FsFixture.textAt;
import static dev.annulus.fs.FsFixture.textBefore;
import static dev.annulus.fs.FsFixture.textNext;
import static dev.annulus.fs.FsFixture.together;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.annulus.AsyncFile;
import dev.annulus.ErrorKind;
import dev.annulus.testing.Needs;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pipes, terminals and devices: what has no position takes any, whoever asks. */
interface FsDeviceContract extends FsFixture {
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @DisplayName("F1 F2 F4 a pipe gives what comes next, whatever the position")
  default void transfers_ofAPipe_takeWhatComesNext(boolean virtual) throws Exception {
    Path fifo = fifo("fifo");
    on(
        virtual,
        () -> {
          try (FsFile pipe = fs().open(fifo, FsOpenOptions.none().withRead(true).withWrite(true))) {
            assertEquals(5, pipe.write(bytes("first")));
            assertEquals("first", textNext(pipe, 100));
            assertEquals(6, pipe.writeAt(bytes("second"), 1_000));
            assertEquals("sec", textAt(pipe, 77, 3));
            ByteBuffer direct = ByteBuffer.allocateDirect(3);
            assertEquals(3, pipe.readAt(direct, 0));
            assertEquals("ond", textBefore(direct));
            assertEquals(5, pipe.write(ByteBuffer.allocateDirect(5).put(bytes("third")).flip()));
            ByteBuffer batch = ByteBuffer.allocate(5);
            pipe.readMany(List.of(new ReadRequest(batch, 3)));
            assertEquals("third", textBefore(batch));
          }
          return true;
        });
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @DisplayName("F1 F2 F4 a pipe whose caller runs its operations takes vectors and whole transfers")
  default void callerRuns_onAPipe_transfersEveryForm(boolean virtual) throws Exception {
    Path fifo = fifo("fifo");
    on(
        virtual,
        () -> {
          try (AsyncFile pipe = runtime().openFile(fifo, READ, WRITE).get(10, TimeUnit.SECONDS)) {
            AsyncFile view = pipe.callerRuns();
            List<ByteBuffer> pieces = List.of(bytes("ab"), bytes("cde"));
            assertEquals(5L, view.write(pieces, 40).get(10, TimeUnit.SECONDS));
            ByteBuffer one = ByteBuffer.allocate(2);
            ByteBuffer two = ByteBuffer.allocateDirect(3);
            assertEquals(5L, view.read(List.of(one, two), 7).get(10, TimeUnit.SECONDS));
            assertEquals("abcde", textBefore(one) + textBefore(two));
            view.writeFully(bytes("fg"), 9).get(10, TimeUnit.SECONDS);
            ByteBuffer whole = ByteBuffer.allocateDirect(2);
            view.readFully(whole, 1).get(10, TimeUnit.SECONDS);
            assertEquals("fg", textBefore(whole));
          }
          return true;
        });
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @DisplayName("F1 F2 F4 a terminal echoes")
  default void transfers_ofATerminal_takeWhatComesNext(boolean virtual) throws Exception {
    Path master = Path.of("/dev/ptmx");
    if (!Files.isWritable(master)) {
      Needs.skip("no " + master + " here");
    }
    on(
        virtual,
        () -> {
          try (FsFile terminal = fs().open(master, FsOpenOptions.none().withRead(true).withWrite(true))) {
            assertEquals(3, terminal.write(bytes("hi\n")));
            assertEquals("hi\r\n", textNext(terminal, 100));
            assertEquals(2, terminal.writeAt(bytes("x\n"), 50));
            assertEquals("x\r\n", textAt(terminal, 9, 3));
          }
          return true;
        });
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @DisplayName("F1 F2 F4 devices of the kernel's memory do what they do for everybody")
  default void transfers_ofDevices_doWhatTheDeviceDoes(boolean virtual) throws Exception {
    FsOpenOptions both = FsOpenOptions.none().withRead(true).withWrite(true);
    on(
        virtual,
        () -> {
          try (FsFile zero = fs().open(Path.of("/dev/zero"), both);
              FsFile nothing = fs().open(Path.of("/dev/null"), both);
              FsFile full = fs().open(Path.of("/dev/full"), both)) {
            assertEquals("\0\0\0", textAt(zero, 5, 3));
            assertEquals("\0\0", textNext(zero, 2));
            assertEquals(3, zero.write(bytes("abc")));
            assertEquals("", textAt(nothing, 5, 3));
            assertEquals("", textNext(nothing, 3));
            assertEquals(3, nothing.writeAt(bytes("abc"), 9));
            assertEquals("\0\0\0", textAt(full, 0, 3));
            assertFails(ErrorKind.NO_SPACE, () -> full.writeAt(bytes("abc"), 0));
            assertFails(ErrorKind.NO_SPACE, () -> full.write(ByteBuffer.allocateDirect(3)));
          }
          return true;
        });
  }

  private static void on(boolean virtual, Callable<Boolean> program) throws Exception {
    together(virtual, List.of(program));
  }
}
