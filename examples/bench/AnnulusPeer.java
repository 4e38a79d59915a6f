package bench;

import dev.annulus.AsyncFile;
import dev.annulus.Backend;
import dev.annulus.IoOpenOption;
import dev.annulus.IoRuntime;
import dev.annulus.Sync;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.io.IOException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The loads as a user of this library writes them. */
final class AnnulusPeer implements AutoCloseable {
  private final IoRuntime runtime;

  AnnulusPeer(Backend backend) {
    runtime = IoRuntime.builder().backend(backend).open();
  }

  /** Files it opens stay open until the runtime is closed. */
  Load open(Cell cell, Path file, List<Slot> slots) throws IOException {
    return switch (cell.shapeFor(Peer.ANNULUS)) {
      case PLATFORM_THREADS -> new ThreadsLoad(blocking(cell, file), slots, false);
      case VIRTUAL_THREADS -> new ThreadsLoad(blocking(cell, file), slots, true);
      case CHAINS -> new ChainsLoad(chains(cell, file), slots);
      case PACED -> new PacedLoad(chains(cell, file), slots);
      case WINDOW -> new WindowLoad(window(cell, file), slots);
    };
  }

  private ThreadsLoad.Io blocking(Cell cell, Path path) throws IOException {
    FsOpenOptions options = FsOpenOptions.reading().withWrite(cell.work().writes()).withDirect(cell.direct());
    FsFile file = Fs.on(runtime).open(path, options);
    return switch (cell.work()) {
      case READ -> file::readAt;
      case WRITE -> file::writeAt;
      case WRITE_SYNC ->
          (buffer, position) -> {
            int n = file.writeAt(buffer, position);
            file.syncData();
            return n;
          };
      case APPEND_SYNC, NOP -> throw new IllegalArgumentException(cell.id());
    };
  }

  private ChainsLoad.Io chains(Cell cell, Path path) {
    return switch (cell.work()) {
      case NOP -> (_, ending) -> ignore(runtime.nop().whenComplete(ending));
      case READ -> {
        AsyncFile file = open(cell, path);
        yield (slot, ending) -> ignore(file.read(slot.buffer(), slot.position()).whenComplete(ending));
      }
      case WRITE -> {
        AsyncFile file = open(cell, path);
        yield (slot, ending) -> ignore(file.write(slot.buffer(), slot.position()).whenComplete(ending));
      }
      case APPEND_SYNC -> {
        AsyncFile file = runtime.openFile(path, StandardOpenOption.APPEND).join();
        yield (slot, ending) ->
            ignore(
                file.append(slot.buffer())
                    .thenCompose(
                        n -> {
                          slot.check(n);
                          return file.sync(Sync.DATA);
                        })
                    .whenComplete(ending));
      }
      case WRITE_SYNC -> throw new IllegalArgumentException(cell.id());
    };
  }

  private WindowLoad.Io window(Cell cell, Path path) {
    if (cell.work() == Work.NOP) {
      return _ -> runtime.nop();
    }
    AsyncFile file = open(cell, path);
    return slot -> file.read(slot.buffer(), slot.position());
  }

  private AsyncFile open(Cell cell, Path path) {
    List<OpenOption> options = new ArrayList<>(List.of(StandardOpenOption.READ));
    if (cell.work().writes()) {
      options.add(StandardOpenOption.WRITE);
    }
    if (cell.direct()) {
      options.add(IoOpenOption.DIRECT);
    }
    return runtime.openFile(path, options.toArray(OpenOption[]::new)).join();
  }

  /** The chain has seen to it. */
  private static void ignore(CompletableFuture<?> dependent) {
    var _ = dependent;
  }

  @Override
  public void close() {
    runtime.close();
  }
}
