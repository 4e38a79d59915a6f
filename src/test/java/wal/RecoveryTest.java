package wal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What recovery makes of logs that a crash, or a worse mishap, has left behind. */
@Timeout(120)
class RecoveryTest {
  private static final int ROUNDS = Integer.getInteger("annulus.wal.tails", 40);

  @TempDir Path dir;

  private final IoRuntime runtime = IoRuntime.open();

  @AfterEach
  void closeRuntime() {
    runtime.close();
  }

  /** What can be wrong with the end of a log. */
  enum Tail {
    CUT_OFF {
      @Override
      byte[] spoil(byte[] segment, int from, Random random) {
        return Arrays.copyOf(segment, from);
      }
    },
    ZEROS {
      @Override
      byte[] spoil(byte[] segment, int from, Random random) {
        Arrays.fill(segment, from, segment.length, (byte) 0);
        return segment;
      }
    },
    GARBAGE {
      @Override
      byte[] spoil(byte[] segment, int from, Random random) {
        byte[] garbage = new byte[segment.length - from];
        random.nextBytes(garbage);
        garbage[0] = (byte) (segment[from] ^ 1); // the first byte that is spoilt is surely wrong
        System.arraycopy(garbage, 0, segment, from, garbage.length);
        return segment;
      }
    },
    ONE_BIT {
      @Override
      byte[] spoil(byte[] segment, int from, Random random) {
        segment[from] = (byte) (segment[from] ^ (1 << random.nextInt(8)));
        return segment;
      }
    };

    abstract byte[] spoil(byte[] segment, int from, Random random);
  }

  @ParameterizedTest
  @EnumSource
  void recovery_ofATornTail_stopsAtTheFirstRecordThatIsNotWholeAndGoesOnFromThere(Tail tail) throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < ROUNDS; round++) {
      Path log = dir.resolve(tail + "-" + round);
      List<byte[]> written = write(log, 1 + random.nextInt(80), random);
      Path segment = LogFixture.lastUsedSegment(log);
      byte[] bytes = Files.readAllBytes(segment);
      List<Integer> boundaries = LogFixture.boundaries(bytes);
      int end = boundaries.getLast();
      // Somewhere in a record of the last segment, from its first byte to its last.
      int from = boundaries.getFirst() + random.nextInt(end - boundaries.getFirst());
      long whole = boundaries.stream().filter(boundary -> boundary <= from).count() - 1;
      int inSegment = boundaries.size() - 1;
      if (tail == Tail.ZEROS && isZero(bytes, from, end)) {
        continue; // nothing would be spoilt
      }
      Files.write(segment, tail.spoil(bytes, from, random));

      List<byte[]> expected = new ArrayList<>(written.subList(0, written.size() - inSegment + (int) whole));
      String what = tail + " from " + from + ", round " + round + ", seed " + seed;
      assertSame(expected, LogFixture.recover(runtime, log), what);

      // What is appended now must not bring to life what lay behind the torn place.
      try (WriteAheadLog again = LogFixture.open(runtime, log, new ArrayList<>())) {
        for (int i = random.nextInt(5); i > 0; i--) {
          expected.add(LogFixture.payload(random));
          LogFixture.append(again, List.of(expected.getLast()));
        }
      }
      assertSame(expected, LogFixture.recover(runtime, log), what + ", appended to");
    }
  }

  private static boolean isZero(byte[] bytes, int from, int end) {
    for (int i = from; i < end; i++) {
      if (bytes[i] != 0) {
        return false;
      }
    }
    return true;
  }

  @Test
  void recovery_ofARecordDamagedBeforeLaterSegments_refusesAndChangesNothing() throws Exception {
    write(dir, 300, new Random(1));
    Path first = LogFixture.segments(dir).getFirst();
    byte[] bytes = Files.readAllBytes(first);
    int place = Segments.HEADER_BYTES + 2;
    bytes[place] = (byte) (bytes[place] ^ 4);
    Files.write(first, bytes);

    CorruptLogException failure = assertThrows(CorruptLogException.class, () -> LogFixture.recover(runtime, dir));

    assertTrue(failure.getMessage().contains("0 is missing or damaged"), failure::toString);
    assertArrayEquals(bytes, Files.readAllBytes(first));
  }

  @Test
  void recovery_ofALogWithoutOneOfItsSegments_refuses() throws Exception {
    write(dir, 300, new Random(2));
    Files.delete(LogFixture.segments(dir).get(1));
    assertThrows(CorruptLogException.class, () -> LogFixture.recover(runtime, dir));
  }

  @Test
  void recovery_ofASegmentUnderAnotherName_refusesAndLeavesIt() throws Exception {
    List<byte[]> written = write(dir, 3, new Random(3));
    Path segment = LogFixture.lastUsedSegment(dir);
    Path renamed = segment.resolveSibling("00000077.wal");
    Files.move(segment, renamed);

    CorruptLogException failure = assertThrows(CorruptLogException.class, () -> LogFixture.recover(runtime, dir));

    assertTrue(failure.getMessage().contains("no header of segment 77"), failure::toString);
    Files.move(renamed, segment);
    assertSame(written, LogFixture.recover(runtime, dir), "put back");
  }

  @Test
  void recovery_besideFilesOfOthers_leavesThem() throws Exception {
    List<byte[]> written = write(dir, 3, new Random(4));
    Files.writeString(dir.resolve("notes.txt"), "mine");
    Files.writeString(dir.resolve("99999999999.wal"), "mine too");
    assertSame(written, LogFixture.recover(runtime, dir), "beside others");
    assertEquals("mine", Files.readString(dir.resolve("notes.txt")));
    assertEquals("mine too", Files.readString(dir.resolve("99999999999.wal")));
  }

  @Test
  void replay_thatFails_endsTheOpeningAndTheLogCanBeOpenedAgain() throws Exception {
    List<byte[]> written = write(dir, 3, new Random(5));
    IOException failure =
        assertThrows(
            IOException.class,
            () ->
                WriteAheadLog.open(
                    runtime,
                    dir,
                    LogFixture.SMALL,
                    (sequence, _) -> {
                      throw new IOException("not " + sequence);
                    }));
    assertEquals("not 0", failure.getMessage());
    assertSame(written, LogFixture.recover(runtime, dir), "again");
  }

  private List<byte[]> write(Path log, int count, Random random) throws Exception {
    List<byte[]> payloads = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      payloads.add(LogFixture.payload(random));
    }
    try (WriteAheadLog open = LogFixture.open(runtime, log, new ArrayList<>())) {
      LogFixture.append(open, payloads);
    }
    return payloads;
  }

  private static void assertSame(List<byte[]> expected, List<byte[]> found, String what) {
    assertEquals(expected.size(), found.size(), what);
    for (int i = 0; i < expected.size(); i++) {
      assertArrayEquals(expected.get(i), found.get(i), what + ", record " + i);
    }
  }
}
