package bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * One load that a program may have, and the ways of the JDK to do the same. Reads and overwrites are of 4 KiB blocks at random
 * places of the data file.
 */
enum Cell {
  B1("cached-q1", "blocking reads, page cache, 1 platform thread", Work.READ, Shape.PLATFORM_THREADS, 1, false, Peer.JDK_FC),
  B2("direct-q1", "blocking reads, O_DIRECT, 1 platform thread", Work.READ, Shape.PLATFORM_THREADS, 1, true, Peer.JDK_FC),
  B3_WRITE("write-q1", "blocking writes, buffered, 1 platform thread", Work.WRITE, Shape.PLATFORM_THREADS, 1, false, Peer.JDK_FC),
  B3_SYNC(
      "write-sync-q1",
      "blocking writes, each with a sync of the data, 1 platform thread",
      Work.WRITE_SYNC,
      Shape.PLATFORM_THREADS,
      1,
      false,
      Peer.JDK_FC),
  A1("direct-q32", "32 reads in flight, O_DIRECT", Work.READ, Shape.CHAINS, 32, true, Peer.JDK_AFC),
  A2("direct-q128", "128 reads in flight, O_DIRECT", Work.READ, Shape.CHAINS, 128, true, Peer.JDK_AFC),
  A3_32("cached-q32", "32 reads in flight, page cache", Work.READ, Shape.CHAINS, 32, false, Peer.JDK_AFC),
  A3_128("cached-q128", "128 reads in flight, page cache", Work.READ, Shape.CHAINS, 128, false, Peer.JDK_AFC),
  A3_32_WINDOW(
      "cached-q32-window", "window of 32 reads, page cache, one thread", Work.READ, Shape.WINDOW, 32, false, Peer.JDK_AFC),
  A3_128_WINDOW(
      "cached-q128-window", "window of 128 reads, page cache, one thread", Work.READ, Shape.WINDOW, 128, false, Peer.JDK_AFC),
  V1("direct-vt64", "64 virtual threads reading, O_DIRECT", Work.READ, Shape.VIRTUAL_THREADS, 64, true, Peer.JDK_VT),
  V2_DIRECT("direct-vt1000", "1000 virtual threads reading, O_DIRECT", Work.READ, Shape.VIRTUAL_THREADS, 1000, true, Peer.JDK_VT),
  V2_CACHED(
      "cached-vt1000", "1000 virtual threads reading, page cache", Work.READ, Shape.VIRTUAL_THREADS, 1000, false, Peer.JDK_VT),
  W1(
      "append-sync-q64",
      "64 writers, each record of 256 B appended and synced before the next",
      Work.APPEND_SYNC,
      Shape.CHAINS,
      64,
      false,
      Peer.JDK_FC,
      Peer.JDK_VT),
  L1("direct-paced", "reads that arrive at half the rate of the slowest, O_DIRECT", Work.READ, Shape.PACED, 128, true, Peer.JDK_AFC),
  W2("direct-overwrite-q32", "32 overwrites in flight, O_DIRECT", Work.WRITE, Shape.CHAINS, 32, true, Peer.JDK_AFC),
  N2("nop-q128", "128 nops in flight", Work.NOP, Shape.CHAINS, 128, false),
  N2_WINDOW("nop-q128-window", "window of 128 nops, awaited by one thread", Work.NOP, Shape.WINDOW, 128, false),
  S1_1("nop-q1", "1 nop at a time", Work.NOP, Shape.CHAINS, 1, false),
  S1_1K("nop-q1024", "1,024 nops at a time", Work.NOP, Shape.CHAINS, 1 << 10, false),
  S1_64K("nop-q65536", "65,536 nops at a time, most of them queued", Work.NOP, Shape.CHAINS, 1 << 16, false);

  private final String suffix;
  private final String title;
  private final Work work;
  private final Shape shape;
  private final int concurrency;
  private final boolean direct;
  private final List<Peer> rivals;

  Cell(String suffix, String title, Work work, Shape shape, int concurrency, boolean direct, Peer... rivals) {
    this.suffix = suffix;
    this.title = title;
    this.work = work;
    this.shape = shape;
    this.concurrency = concurrency;
    this.direct = direct;
    this.rivals = List.of(rivals);
  }

  /** The name of the matrix's row, and what the cell does in short. */
  String id() {
    return name().replaceFirst("_.*", "") + "-" + suffix;
  }

  String title() {
    return title;
  }

  Work work() {
    return work;
  }

  int concurrency() {
    return concurrency;
  }

  boolean direct() {
    return direct;
  }

  /** Whether it is the same rate for all peers, so that latency is what counts. */
  boolean paced() {
    return shape == Shape.PACED;
  }

  /** {@code FileChannel} has no futures: as many threads as there are chains do the same work. */
  Shape shapeFor(Peer peer) {
    return switch (peer) {
      case JDK_FC -> Shape.PLATFORM_THREADS;
      case JDK_VT -> Shape.VIRTUAL_THREADS;
      default -> shape;
    };
  }

  /** Whether the data file must be in the page cache to begin with. */
  boolean wantsWarmCache() {
    return !direct && work != Work.NOP && work != Work.APPEND_SYNC;
  }

  List<Peer> peers(boolean portable) {
    List<Peer> peers = new ArrayList<>(List.of(Peer.ANNULUS));
    if (portable) {
      peers.add(Peer.ANNULUS_PORTABLE);
    }
    peers.addAll(rivals);
    return peers;
  }

  /** The cell of that name; if there is none, all whose names begin so. */
  static List<Cell> meantBy(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    List<Cell> begin = Arrays.stream(values()).filter(cell -> cell.id().toLowerCase(Locale.ROOT).startsWith(lower)).toList();
    return begin.stream().filter(cell -> cell.id().length() == text.length()).findFirst().map(List::of).orElse(begin);
  }

  static Cell of(String id) {
    return Arrays.stream(values()).filter(cell -> cell.id().equals(id)).findFirst().orElseThrow();
  }
}
