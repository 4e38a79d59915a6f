package dev.annulus;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;

import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;

/** A program that uses files and the facade where no optional library is, and says so. Arguments: backend, path of a new file. */
final class BareProbe {
  private static final List<String> OPTIONAL =
      List.of(
          "io.micrometer.core.instrument.MeterRegistry",
          "org.apache.lucene.store.Directory",
          "org.iq80.leveldb.DB",
          "io.netty.buffer.ByteBuf",
          "org.jspecify.annotations.Nullable");

  private BareProbe() {}

  public static void main(String[] args) throws Exception {
    OPTIONAL.forEach(BareProbe::checkMissing);
    Path path = Path.of(args[1]);
    try (IoRuntime runtime = IoRuntime.builder().backend(Backend.valueOf(args[0])).open()) {
      useFiles(runtime, path);
      useFacade(runtime, path);
      boolean recorder = ModuleLayer.boot().findModule("jdk.jfr").isPresent();
      System.out.println(
          runtime.backend() + ": files and facade work, flight recorder " + (recorder ? "there" : "not there"));
    }
  }

  private static void checkMissing(String name) {
    try {
      throw new IllegalStateException("on the class path: " + Class.forName(name));
    } catch (ClassNotFoundException e) {
      // As it should be.
    }
  }

  private static void useFiles(IoRuntime runtime, Path path) throws Exception {
    AsyncFile file = runtime.openFile(path, CREATE, READ, WRITE).get(10, SECONDS);
    file.writeDurably(text("durable"), 0).get(10, SECONDS);
    file.sync(Sync.ALL).get(10, SECONDS);
    ByteBuffer back = ByteBuffer.allocateDirect(7);
    file.readFully(back, 0).get(10, SECONDS);
    check(back.flip().equals(text("durable")), "read something else");
    check(file.read(ByteBuffer.allocate(8), 7).get(10, SECONDS) == -1, "no end of file");
    try {
      FileStatus status = runtime.stat(path.resolveSibling("missing")).get(10, SECONDS);
      throw new IllegalStateException("there: " + status);
    } catch (ExecutionException e) {
      check(e.getCause() instanceof NoSuchFileException, e.toString());
    }
    file.close();
  }

  private static void useFacade(IoRuntime runtime, Path path) throws Exception {
    try (Fs fs = Fs.on(runtime);
        FsFile file = fs.open(path, FsOpenOptions.updating())) {
      check(file.writeAt(text("again"), 7) == 5, "wrote something else");
      file.syncData();
      ByteBuffer back = ByteBuffer.allocate(12);
      check(file.readAt(back, 0) == 12 && back.flip().equals(text("durableagain")), "read something else");
      check(fs.metadata(path).length() == 12, "another length");
    }
  }

  private static ByteBuffer text(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static void check(boolean holds, String otherwise) {
    if (!holds) {
      throw new IllegalStateException(otherwise);
    }
  }
}
