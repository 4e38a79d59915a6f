package bench;

import dev.annulus.Backend;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One peer at one cell, in a JVM of its own: what one peer does to the JVM (threads, compiled code, garbage) is no other's
 * burden. For every line on standard input, the length of a round in seconds and the rate of a paced load, or 0, it works that
 * long and answers with a line of {@link Figures}.
 */
final class Worker {
  private Worker() {}

  /**
   * Runs until the input ends.
   *
   * @param args peer, cell, data file, its size
   */
  public static void main(String[] args) throws Exception {
    Peer peer = Peer.of(args[0]);
    Cell cell = Cell.of(args[1]);
    DataFile data = new DataFile(Path.of(args[2]), Long.parseLong(args[3]));
    List<Slot> slots =
        IntStream.range(0, cell.concurrency())
            .mapToObj(i -> new Slot(cell.work(), i, cell.concurrency(), data.blocks()))
            .toList();
    if (cell.work() == Work.APPEND_SYNC) {
      append(peer, cell, RecordLog.in(data.path().toAbsolutePath().getParent()), slots);
    } else {
      serve(peer, cell, data.path(), slots, () -> settle(cell, data, slots));
    }
    System.exit(0);
  }

  private static void append(Peer peer, Cell cell, RecordLog log, List<Slot> slots) throws Exception {
    long[] checked = new long[slots.size()];
    try {
      serve(peer, cell, log.path(), slots, () -> log.checkAndEmpty(slots, checked));
    } finally {
      Files.delete(log.path());
    }
  }

  /** What comes after a round, unmeasured, so that the next begins as this did. */
  private interface Settling {
    void settle() throws IOException;
  }

  private static void serve(Peer peer, Cell cell, Path file, List<Slot> slots, Settling settling) throws Exception {
    if (peer.isOurs()) {
      try (AnnulusPeer annulus = new AnnulusPeer(peer == Peer.ANNULUS ? Backend.AUTO : Backend.PORTABLE)) {
        serve(annulus.open(cell, file, slots), settling);
      }
    } else {
      try (JdkPeer jdk = new JdkPeer(peer)) {
        serve(jdk.open(cell, file, slots), settling);
      }
    }
  }

  private static void serve(Load load, Settling settling) throws Exception {
    BufferedReader rounds = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String round = rounds.readLine(); round != null; round = rounds.readLine()) {
      String[] secondsAndRate = round.split(" ", -1);
      Meter meter = new Meter(Double.parseDouble(secondsAndRate[0]), Double.parseDouble(secondsAndRate[1]));
      load.run(meter);
      Figures figures = meter.read();
      settling.settle();
      System.out.println(figures.toLine());
    }
  }

  private static void settle(Cell cell, DataFile data, List<Slot> slots) throws IOException {
    if (cell.work().writes()) {
      try (FileChannel file = FileChannel.open(data.path(), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        for (Slot slot : slots) {
          slot.checkWritten(file);
        }
        file.force(true);
      }
    }
  }
}
