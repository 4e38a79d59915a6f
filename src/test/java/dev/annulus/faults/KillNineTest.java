package dev.annulus.faults;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.AsyncFile;
import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import dev.annulus.testing.ChildJvm;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A process that is killed without warning keeps its word: every record whose durable write completed is there, and whole.
 *
 * <p>What a killed process leaves behind shows lost and torn writes and early acknowledgements; what a power cut would take away besides
 * is the simulated kernel's business.
 */
@Timeout(300)
class KillNineTest {
  private static final int ROUNDS = Integer.getInteger("annulus.kill.rounds", 50);
  private static final int RECORD_BYTES = 512;
  private static final int WRITERS = 8;
  private static final String END_OF_NUMBER = ";";

  @TempDir Path dir;

  @ParameterizedTest
  @EnumSource(names = {"IO_URING", "PORTABLE"})
  void durableRecord_ofAKilledProcess_isThereAndWhole(Backend backend) throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    int rounds = backend == Backend.IO_URING ? ROUNDS : Math.max(1, ROUNDS / 5);
    for (int round = 0; round < rounds; round++) {
      Path log = dir.resolve(backend + "-" + round);
      List<Integer> acknowledged = killAfter(5 + random.nextInt(200), backend, log);
      byte[] contents = Files.readAllBytes(log);
      for (int number : acknowledged) {
        assertTrue(contents.length >= (number + 1) * RECORD_BYTES, () -> "record " + number + " is missing; seed " + seed);
        ByteBuffer record = ByteBuffer.wrap(contents, number * RECORD_BYTES, RECORD_BYTES);
        assertEquals(number, record.getInt(record.position()), () -> "record " + number + "; seed " + seed);
        assertEquals(checksum(record), record.getInt(record.position() + 4), () -> "record " + number + "; seed " + seed);
      }
      Files.delete(log);
    }
  }

  /** Starts a writer, kills it when so many records are acknowledged, and returns all it acknowledged. */
  private static List<Integer> killAfter(int records, Backend backend, Path log) throws Exception {
    Process writer = ChildJvm.of(Writer.class, backend.name(), log.toString()).start();
    List<Integer> acknowledged = new ArrayList<>();
    try (BufferedReader lines = new BufferedReader(new InputStreamReader(writer.getInputStream(), UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.endsWith(END_OF_NUMBER)) { // else the kill has cut it off
          acknowledged.add(Integer.parseInt(line, 0, line.length() - 1, 10));
        }
        if (acknowledged.size() == records) {
          // The handle's, not the process's: that would close the stream before all of it is read.
          boolean _ = writer.toHandle().destroyForcibly();
        }
      }
    } finally {
      writer.destroyForcibly().waitFor();
    }
    assertTrue(acknowledged.size() >= records, () -> "the writer ended early: " + acknowledged);
    return acknowledged;
  }

  private static int checksum(ByteBuffer record) {
    CRC32C crc = new CRC32C();
    crc.update(record.duplicate().position(record.position() + 8).limit(record.position() + RECORD_BYTES));
    return (int) crc.getValue();
  }

  /** Writes records for ever, a few at a time, and prints the number of each once it is durable. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] args) {
      IoRuntime runtime = IoRuntime.builder().backend(Backend.valueOf(args[0])).open();
      AsyncFile log = runtime.openFile(Path.of(args[1]), CREATE_NEW, WRITE).join();
      for (int writer = 0; writer < WRITERS; writer++) {
        int first = writer;
        Thread.ofVirtual().start(() -> writeEvery(log, first));
      }
      Thread.ofPlatform().start(() -> writeEvery(log, WRITERS));
    }

    private static void writeEvery(AsyncFile log, int first) {
      ByteBuffer record = ByteBuffer.allocateDirect(RECORD_BYTES);
      for (int number = first; ; number += WRITERS + 1) {
        record.clear();
        for (int i = 8; i < RECORD_BYTES; i++) {
          record.put(i, (byte) (number + i));
        }
        record.putInt(0, number).putInt(4, checksum(record));
        log.writeDurably(record, (long) number * RECORD_BYTES).join();
        synchronized (Writer.class) {
          System.out.println(number + END_OF_NUMBER);
        }
      }
    }
  }
}
