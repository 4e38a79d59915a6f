package wal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import dev.annulus.testing.ChildJvm;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A program with 64 producers on one log, killed without warning and started again, round after round. */
@Timeout(300)
class LogCrashTest {
  private static final int ROUNDS = Integer.getInteger("annulus.kill.rounds", 6);
  private static final int PRODUCERS = 64;
  private static final String END_OF_LINE = ";";

  @TempDir Path dir;

  private record Acknowledged(long sequence, Payload payload) {}

  @ParameterizedTest
  @EnumSource(names = {"IO_URING", "PORTABLE"})
  void log_ofAKilledProgram_holdsEveryAcknowledgedRecordInOrder(Backend backend) throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<Payload> before = List.of();
    for (int round = 0; round < ROUNDS; round++) {
      String what = "round " + round + ", seed " + seed;
      List<Acknowledged> acknowledged = killAfter(1 + random.nextInt(3_000), backend, what);
      List<Payload> found = recover();

      for (Acknowledged one : acknowledged) {
        assertTrue(one.sequence() < found.size(), () -> one + " is missing; " + what);
        assertEquals(one.payload(), found.get((int) one.sequence()), what);
      }
      assertEquals(before, found.subList(0, before.size()), () -> "what was recovered before has changed; " + what);
      long[] next = new long[PRODUCERS];
      for (Payload payload : found) {
        assertEquals(next[payload.producer()]++, payload.number(), () -> "the order of a producer's records; " + what);
      }
      before = found;
    }
  }

  private List<Payload> recover() throws Exception {
    List<Payload> found = new ArrayList<>();
    try (IoRuntime runtime = IoRuntime.open()) {
      WriteAheadLog.open(runtime, dir, LogFixture.SMALL, (_, bytes) -> found.add(Payload.read(bytes))).close();
    }
    return found;
  }

  /** Starts the program, kills it when so many records are acknowledged, and returns all it acknowledged. */
  private List<Acknowledged> killAfter(int records, Backend backend, String what) throws Exception {
    Process program = ChildJvm.of(Program.class, backend.name(), dir.toString()).start();
    List<Acknowledged> acknowledged = new ArrayList<>();
    StringBuilder complaints = new StringBuilder();
    try (BufferedReader lines = new BufferedReader(new InputStreamReader(program.getInputStream(), UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] numbers = line.split("[ ;]", -1);
        if (line.endsWith(END_OF_LINE) && numbers.length == 4) { // else the kill has cut it off, or it is a complaint
          Payload payload = new Payload(Integer.parseInt(numbers[1]), Long.parseLong(numbers[2]));
          acknowledged.add(new Acknowledged(Long.parseLong(numbers[0]), payload));
        } else {
          complaints.append(line).append('\n');
        }
        if (acknowledged.size() == records) {
          // The handle's, not the process's: that would close the stream before all of it is read.
          boolean _ = program.toHandle().destroyForcibly();
        }
      }
    } finally {
      program.destroyForcibly().waitFor();
    }
    assertTrue(acknowledged.size() >= records, () -> "the program ended early: " + complaints + what);
    return acknowledged;
  }

  /** Appends for ever, from where the log ended, and prints what has become durable. */
  static final class Program {
    private static final int PAYLOAD_BYTES = 40;

    private Program() {}

    public static void main(String[] args) throws Exception {
      IoRuntime runtime = IoRuntime.builder().backend(Backend.valueOf(args[0])).open();
      long[] next = new long[PRODUCERS];
      WriteAheadLog log =
          WriteAheadLog.open(
              runtime, Path.of(args[1]), LogFixture.SMALL, (_, bytes) -> next[Payload.read(bytes).producer()]++);
      for (int producer = 0; producer < PRODUCERS; producer++) {
        Payload first = new Payload(producer, next[producer]);
        Thread.ofPlatform().start(() -> appendForEver(log, first));
      }
    }

    private static void appendForEver(WriteAheadLog log, Payload first) {
      ByteBuffer record = ByteBuffer.allocate(PAYLOAD_BYTES);
      for (Payload payload = first; ; payload = new Payload(payload.producer(), payload.number() + 1)) {
        payload.write(record);
        long sequence = log.append(record).join();
        synchronized (Program.class) {
          System.out.println(sequence + " " + payload.producer() + " " + payload.number() + END_OF_LINE);
        }
      }
    }
  }
}
