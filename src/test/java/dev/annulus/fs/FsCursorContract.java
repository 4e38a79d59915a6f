package dev.annulus.fs;

import static dev.annulus.fs.FsFixture.assertFails;
import static dev.annulus.fs.FsFixture.bytes;
import static dev.annulus.fs.FsFixture.textAt;
import static dev.annulus.fs.FsFixture.textNext;
import static dev.annulus.fs.FsFixture.together;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.annulus.ErrorKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reading and writing in turn, and the cursor that goes with it. */
interface FsCursorContract extends FsFixture {
  @Test
  @DisplayName("F1 read into an empty buffer returns 0, at end of file too, and asks the system nothing")
  default void read_intoEmptyBuffer_returnsZeroWithoutAnOperation() throws IOException {
    try (FsFile file = updating("f")) {
      long before = runtime().stats().submitted();
      assertEquals(0, file.read(ByteBuffer.allocate(0)));
      assertEquals(0, file.read(bytes("full").position(4)));
      assertEquals(0, file.readAt(ByteBuffer.allocate(0), 0));
      assertEquals(0, file.readAt(ByteBuffer.allocateDirect(0), Long.MAX_VALUE));
      assertEquals(before, runtime().stats().submitted());
    }
  }

  @Test
  @DisplayName("F1 write of an empty buffer returns 0, and asks the system nothing")
  default void write_ofEmptyBuffer_returnsZeroWithoutAnOperation() throws IOException {
    try (FsFile file = updating("f");
        FsFile appending = fs().open(path("f"), FsOpenOptions.appending())) {
      long before = runtime().stats().submitted();
      assertEquals(0, file.write(ByteBuffer.allocate(0)));
      assertEquals(0, file.writeAt(ByteBuffer.allocate(0), 100));
      assertEquals(0, appending.write(ByteBuffer.allocate(0)));
      assertEquals(0, appending.writeAt(ByteBuffer.allocate(0), 0));
      assertEquals(before, runtime().stats().submitted());
      assertEquals(0, file.size());
    }
  }

  @Test
  @DisplayName("F2 reads and writes in turn use the cursor and move it")
  default void readAndWrite_inTurn_moveTheCursor() throws IOException {
    try (FsFile file = updating("f")) {
      assertEquals(6, file.write(bytes("abcdef")));
      assertEquals(6, file.position());
      assertEquals(3, file.write(bytes("ghi")));
      assertSame(file, file.position(2));
      assertEquals("cde", textNext(file, 3));
      assertEquals(5, file.position());
      assertEquals(1, file.write(bytes("F")));
      assertEquals("ghi", textNext(file, 100));
      assertEquals(9, file.position());
      assertEquals(-1, file.read(ByteBuffer.allocate(1)));
      assertEquals(9, file.position());
      assertEquals("abcdeFghi", textAt(file, 0, 100));
    }
  }

  @Test
  @DisplayName("F2 read fills the buffer from its position to its limit only")
  default void read_intoPartOfBuffer_leavesTheRest() throws IOException {
    Path path = fileOf("f", "abcdef");
    for (ByteBuffer buffer : List.of(ByteBuffer.allocate(8), ByteBuffer.allocateDirect(8))) {
      try (FsFile file = fs().open(path, FsOpenOptions.reading())) {
        buffer.position(2).limit(5);
        assertEquals(3, file.read(buffer));
        assertEquals(5, buffer.position());
        buffer.clear();
        assertEquals(0, buffer.get(1));
        assertEquals('a', buffer.get(2));
        assertEquals('c', buffer.get(4));
        assertEquals(0, buffer.get(5));
      }
    }
  }

  @Test
  @DisplayName("F2 threads that share a cursor each get bytes nobody else got")
  default void read_byManyThreadsAtOneCursor_givesEachByteOnce() throws Exception {
    int records = 400;
    StringBuilder contents = new StringBuilder();
    for (int i = 0; i < records; i++) {
      contents.append(String.format("%016d", i));
    }
    Set<String> seen = ConcurrentHashMap.newKeySet();
    try (FsFile file = fs().open(fileOf("f", contents.toString()), FsOpenOptions.reading())) {
      Callable<Void> reader =
          () -> {
            for (int i = 0; i < records / 8; i++) {
              String record = textNext(file, 16);
              assertEquals(16, record.length());
              if (!seen.add(record)) {
                throw new AssertionError("read twice: " + record);
              }
            }
            return null;
          };
      together(false, Collections.nCopies(8, reader));
      assertEquals(records, seen.size());
      assertEquals(16L * records, file.position());
    }
  }

  @Test
  @DisplayName("F3 an append goes to the end of file whatever the cursor, which is at the end afterwards")
  default void write_onAppendingFileAfterSeek_goesToTheEnd() throws IOException {
    Path path = fileOf("f", "start");
    FsOpenOptions options = FsOpenOptions.appending().withRead(true);
    try (FsFile file = fs().open(path, options);
        FsFile other = fs().open(path, options)) {
      assertEquals(1, file.seek(1, SeekFrom.START));
      assertEquals(4, file.write(bytes("-one")));
      assertEquals(9, file.position());
      assertEquals(4, other.write(bytes("-two")));
      assertEquals(13, other.position());
      assertEquals(2, file.seek(2, SeekFrom.START));
      assertEquals(6, file.write(bytes("-three")));
      assertEquals(19, file.position());
      assertEquals("start-one-two-three", textAt(file, 0, 100));
    }
  }

  @Test
  @DisplayName("F3 writeAt on an appending file goes to the end whatever the offset, and leaves the cursor")
  default void writeAt_onAppendingFile_goesToTheEnd() throws IOException {
    Path path = fileOf("f", "start");
    try (FsFile file = fs().open(path, FsOpenOptions.appending())) {
      assertEquals(4, file.writeAt(bytes("-one"), 0));
      assertEquals(4, file.writeAt(bytes("-two"), 1000));
      assertEquals(0, file.position());
    }
    assertEquals("start-one-two", Files.readString(path));
  }

  @Test
  @DisplayName("F4 a file open for reading and appending is read from its start")
  default void read_onAppendingFile_startsAtTheStart() throws IOException {
    try (FsFile file = fs().open(fileOf("f", "abcdef"), FsOpenOptions.appending().withRead(true))) {
      assertEquals(0, file.position());
      assertEquals("abc", textNext(file, 3));
      assertEquals(3, file.position());
      assertEquals(1, file.write(bytes("g")));
      assertEquals(7, file.position());
    }
  }

  @Test
  @DisplayName("F5 seek counts from the start, the cursor and the end")
  default void seek_fromEachPlace_movesThere() throws IOException {
    try (FsFile file = fs().open(fileOf("f", "0123456789"), FsOpenOptions.reading())) {
      assertEquals(3, file.seek(3, SeekFrom.START));
      assertEquals("3", textNext(file, 1));
      assertEquals(6, file.seek(2, SeekFrom.CURRENT));
      assertEquals("6", textNext(file, 1));
      assertEquals(5, file.seek(-2, SeekFrom.CURRENT));
      assertEquals("5", textNext(file, 1));
      assertEquals(8, file.seek(-2, SeekFrom.END));
      assertEquals("89", textNext(file, 9));
      assertEquals(10, file.seek(0, SeekFrom.END));
      assertEquals(0, file.seek(-10, SeekFrom.END));
      assertEquals(Long.MAX_VALUE, file.seek(Long.MAX_VALUE, SeekFrom.START));
      assertEquals(0, file.seek(-Long.MAX_VALUE, SeekFrom.CURRENT));
    }
  }

  @Test
  @DisplayName("F5 seek before the start or past Long.MAX_VALUE is invalid input and leaves the cursor")
  default void seek_outOfRange_failsAndLeavesTheCursor() throws IOException {
    try (FsFile file = fs().open(fileOf("f", "0123456789"), FsOpenOptions.reading())) {
      assertEquals(4, file.seek(4, SeekFrom.START));
      assertFails(ErrorKind.INVALID_INPUT, () -> file.seek(-1, SeekFrom.START));
      assertFails(ErrorKind.INVALID_INPUT, () -> file.seek(-5, SeekFrom.CURRENT));
      assertFails(ErrorKind.INVALID_INPUT, () -> file.seek(-11, SeekFrom.END));
      assertFails(ErrorKind.INVALID_INPUT, () -> file.seek(Long.MIN_VALUE, SeekFrom.START));
      assertFails(ErrorKind.INVALID_INPUT, () -> file.seek(Long.MIN_VALUE, SeekFrom.END));
      assertFails(ErrorKind.INVALID_INPUT, () -> file.seek(Long.MAX_VALUE, SeekFrom.CURRENT));
      assertFails(ErrorKind.INVALID_INPUT, () -> file.seek(Long.MAX_VALUE - 9, SeekFrom.END));
      assertEquals(4, file.position());
      assertEquals("4", textNext(file, 1));
    }
  }

  @Test
  @DisplayName("F5 past the end there is nothing to read, and a write leaves zeros before it")
  default void write_pastTheEnd_leavesZeros() throws IOException {
    try (FsFile file = updating("f")) {
      assertEquals(2, file.write(bytes("ab")));
      assertEquals(5, file.seek(3, SeekFrom.END));
      assertEquals(-1, file.read(ByteBuffer.allocate(4)));
      assertEquals(5, file.position());
      assertEquals(2, file.size());
      assertEquals(1, file.write(bytes("c")));
      assertEquals("ab\0\0\0c", textAt(file, 0, 100));
    }
  }

  @Test
  @DisplayName("F5 at a cursor so far out that the range overflows, reads and writes are invalid input")
  default void readAndWrite_atOverflowingCursor_failAndLeaveTheCursor() throws IOException {
    try (FsFile file = updating("f")) {
      assertEquals(Long.MAX_VALUE - 1, file.seek(Long.MAX_VALUE - 1, SeekFrom.START));
      assertFails(ErrorKind.INVALID_INPUT, () -> file.read(ByteBuffer.allocate(2)));
      assertFails(ErrorKind.INVALID_INPUT, () -> file.write(ByteBuffer.allocate(2)));
      assertEquals(Long.MAX_VALUE - 1, file.position());
      assertEquals(0, file.size());
    }
  }

  @Test
  @DisplayName("F2 position, as SeekableByteChannel defines it")
  default void position_negativeOrFarOut_failsOrMoves() throws IOException {
    try (FsFile file = updating("f")) {
      assertThrows(IllegalArgumentException.class, () -> file.position(-1));
      assertEquals(0, file.position());
      assertEquals(1L << 40, file.position(1L << 40).position());
      assertEquals(0, file.size());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @DisplayName("F2 truncate, as SeekableByteChannel defines it, on writing and appending files")
  default void truncate_cutsButNeverExtends_andMovesACursorBehind(boolean append) throws IOException {
    Path path = fileOf("f", "0123456789");
    FsOpenOptions options = FsOpenOptions.none().withWrite(!append).withAppend(append);
    try (FsFile file = fs().open(path, options)) {
      assertSame(file, file.position(9));
      assertSame(file, file.truncate(20));
      assertEquals(10, file.size());
      assertEquals(9, file.position());
      assertSame(file, file.truncate(4));
      assertEquals(4, file.size());
      assertEquals(4, file.position());
      assertEquals(1, file.position(1).truncate(3).position());
      assertEquals(50, file.position(50).position());
      assertEquals(30, file.truncate(30).position());
      assertThrows(IllegalArgumentException.class, () -> file.truncate(-1));
    }
    assertEquals("012", Files.readString(path));
  }

  @Test
  @DisplayName("F2 what the file is not open for is refused as channels refuse it")
  default void cursorCalls_notOpenForIt_throwAsChannelsDo() throws IOException {
    Path path = fileOf("f", "abc");
    try (FsFile reading = fs().open(path, FsOpenOptions.reading());
        FsFile writing = fs().open(path, FsOpenOptions.none().withWrite(true));
        FsFile appending = fs().open(path, FsOpenOptions.appending())) {
      assertThrows(NonWritableChannelException.class, () -> reading.write(bytes("x")));
      assertThrows(NonWritableChannelException.class, () -> reading.truncate(0));
      assertThrows(NonReadableChannelException.class, () -> writing.read(ByteBuffer.allocate(1)));
      assertThrows(NonReadableChannelException.class, () -> appending.read(ByteBuffer.allocate(1)));
      assertThrows(IllegalArgumentException.class, () -> reading.read(ByteBuffer.allocate(1).asReadOnlyBuffer()));
      assertEquals(0, reading.position());
    }
    assertEquals("abc", Files.readString(path));
    assertFalse(Files.isDirectory(path));
  }
}
