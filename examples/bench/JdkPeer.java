package bench;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The loads as a user of the JDK's channels writes them. */
final class JdkPeer implements AutoCloseable {
  private static final int MOST_POOL_THREADS = 32;

  private final Peer peer;
  private Closeable opened = () -> {};

  JdkPeer(Peer peer) {
    this.peer = peer;
  }

  /** To be called once. */
  Load open(Cell cell, Path path, List<Slot> slots) throws IOException {
    return switch (cell.shapeFor(peer)) {
      case PLATFORM_THREADS -> new ThreadsLoad(blocking(cell, path), slots, false);
      case VIRTUAL_THREADS -> new ThreadsLoad(blocking(cell, path), slots, true);
      case CHAINS -> new ChainsLoad(chains(cell, asynchronous(cell, path)), slots);
      case PACED -> new PacedLoad(chains(cell, asynchronous(cell, path)), slots);
      case WINDOW -> {
        AsynchronousFileChannel file = asynchronous(cell, path);
        yield new WindowLoad(slot -> file.read(slot.buffer(), slot.position()), slots);
      }
    };
  }

  private ThreadsLoad.Io blocking(Cell cell, Path path) throws IOException {
    FileChannel file = FileChannel.open(path, options(cell));
    opened = file;
    return switch (cell.work()) {
      case READ -> file::read;
      case WRITE -> file::write;
      case WRITE_SYNC ->
          (buffer, position) -> {
            int n = file.write(buffer, position);
            file.force(false);
            return n;
          };
      case APPEND_SYNC ->
          (buffer, _) -> {
            int n = file.write(buffer);
            file.force(false);
            return n;
          };
      case NOP -> throw new IllegalArgumentException(cell.id());
    };
  }

  private static ChainsLoad.Io chains(Cell cell, AsynchronousFileChannel file) {
    if (cell.work() == Work.WRITE) {
      return (slot, ending) -> file.write(slot.buffer(), slot.position(), null, ending);
    }
    return (slot, ending) -> file.read(slot.buffer(), slot.position(), null, ending);
  }

  private AsynchronousFileChannel asynchronous(Cell cell, Path path) throws IOException {
    ExecutorService pool = Executors.newFixedThreadPool(Math.min(cell.concurrency(), MOST_POOL_THREADS));
    AsynchronousFileChannel file = AsynchronousFileChannel.open(path, options(cell), pool);
    opened =
        () -> {
          file.close();
          pool.close();
        };
    return file;
  }

  private static Set<OpenOption> options(Cell cell) {
    return switch (cell.work()) {
      case WRITE, WRITE_SYNC -> DataFile.options(cell.direct(), StandardOpenOption.READ, StandardOpenOption.WRITE);
      case APPEND_SYNC -> DataFile.options(false, StandardOpenOption.APPEND);
      case READ, NOP -> DataFile.options(cell.direct(), StandardOpenOption.READ);
    };
  }

  @Override
  public void close() throws IOException {
    opened.close();
  }
}
