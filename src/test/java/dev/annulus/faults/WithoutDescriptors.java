package dev.annulus.faults;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.annulus.AsyncFile;
import dev.annulus.Backend;
import dev.annulus.BufferAt;
import dev.annulus.ErrorKind;
import dev.annulus.IoRuntime;
import dev.annulus.Sync;
import dev.annulus.adapter.nio.AnnulusAsynchronousFileChannel;
import dev.annulus.adapter.nio.AnnulusFileChannel;
import dev.annulus.fs.Blocking;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsOpenOptions;
import dev.annulus.fs.ReadRequest;
import java.io.Closeable;
import java.io.FileInputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A program that uses a runtime for the first time when it has no descriptor left. */
final class WithoutDescriptors {
  private final IoRuntime runtime;
  private final Path dir;

  private WithoutDescriptors(IoRuntime runtime, Path dir) {
    this.runtime = runtime;
    this.dir = dir;
  }

  public static void main(String[] args) throws Exception {
    Path dir = Path.of(args[2]);
    Path there = Files.write(dir.resolve("there"), new byte[10_000]);
    Path tree = Files.createDirectory(dir.resolve("tree"));
    Path _ = Files.createFile(tree.resolve("file"));
    try (IoRuntime runtime = IoRuntime.builder().backend(Backend.valueOf(args[0])).open()) {
      WithoutDescriptors program = new WithoutDescriptors(runtime, dir);
      AsyncFile file = args[1].equals("files") ? runtime.openFile(there, READ, WRITE).join() : null;
      List<Closeable> all = takeAll();
      if (file == null) {
        program.usePaths(there, tree);
      } else {
        program.useFile(file);
        file.callerRuns().read(ByteBuffer.allocate(10), 0).get(10, TimeUnit.SECONDS);
        file.closeAsync().get(10, TimeUnit.SECONDS);
      }
      for (Closeable one : all) {
        one.close();
      }
    }
    System.out.println("passed without descriptors");
  }

  private static List<Closeable> takeAll() {
    List<Closeable> all = new ArrayList<>();
    try {
      while (true) {
        all.add(new FileInputStream("/dev/null"));
      }
    } catch (IOException e) {
      return all;
    }
  }

  private void usePaths(Path there, Path tree) throws Exception {
    fails("open", () -> runtime.openFile(there, READ));
    fails("open to create", () -> runtime.openFile(dir.resolve("new"), CREATE_NEW, WRITE));
    works("stat", runtime.stat(there));
    works("alignment", runtime.directAlignment(there));
    works("mkdir", runtime.createDirectory(dir.resolve("made")));
    works("link", runtime.link(dir.resolve("link"), there));
    works("rename", runtime.rename(dir.resolve("link"), dir.resolve("renamed")));
    works("delete", runtime.delete(dir.resolve("renamed")));
    works("delete of a directory", runtime.delete(dir.resolve("made")));
    fails("list", () -> runtime.readDirectory(tree));
    fails("remove tree", () -> runtime.removeTree(tree));
    fails("sync directory", () -> runtime.syncDirectory(tree));
    throwsTooMany("channel", () -> AnnulusFileChannel.open(runtime, there, Set.of(READ)));
    throwsTooMany(
        "asynchronous channel", () -> AnnulusAsynchronousFileChannel.open(runtime, there, READ));
    for (Blocking mode : Blocking.values()) {
      Fs fs = Fs.on(runtime, mode);
      throwsTooMany("facade's open", () -> fs.open(there, FsOpenOptions.reading()));
      fs.createDirectories(dir.resolve("a/b"));
      throwsTooMany("facade's removal", () -> removeAll(fs, dir.resolve("a")));
    }
    works("nop", runtime.nop());
  }

  private void useFile(AsyncFile file) throws Exception {
    ByteBuffer heap = ByteBuffer.allocate(100);
    works("stat", file.stat());
    works("size", file.size());
    works("alignment", file.directAlignment());
    works("read", file.read(heap, 0));
    works("read of memory", file.read(Arena.ofAuto().allocate(10), 0));
    works("read fully", file.readFully(ByteBuffer.allocateDirect(10), 0));
    works("vector", file.read(List.of(ByteBuffer.allocate(5), ByteBuffer.allocateDirect(5)), 0));
    works("batch", file.readMany(List.of(new BufferAt(ByteBuffer.allocate(5), 0))).getFirst());
    works("write", file.write(heap.clear(), 0));
    works("write fully", file.writeFully(heap.clear(), 0));
    works("writing vector", file.write(List.of(heap.clear(), ByteBuffer.allocateDirect(5)), 0));
    works("durable write", file.writeDurably(heap.clear(), 0));
    works("sync", file.sync(Sync.ALL));
    works("truncate", file.truncate(20_000));
    if (runtime.backend() == Backend.IO_URING) {
      works("allocate", file.allocate(0, 30_000));
    } else {
      fails("allocate", () -> file.allocate(0, 30_000)); // it appends, by a channel of its own
    }
    works("lock", file.tryLockExclusive());
    works("tries", CompletableFuture.completedFuture(file.callerRuns().tryRead(ByteBuffer.allocateDirect(5), 0)));
    CompletableFuture<?> cancelled = file.read(ByteBuffer.allocateDirect(10), 0);
    boolean _ = cancelled.cancel(true);
    CompletableFuture<?> late = file.read(ByteBuffer.allocateDirect(10), 0).orTimeout(10, TimeUnit.SECONDS);
    works("read with a time limit", late);
    ReadRequest _ = new ReadRequest(ByteBuffer.allocate(1), 0);
  }

  private static void works(String what, CompletableFuture<?> operation) throws Exception {
    try {
      Object _ = operation.get(20, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new IllegalStateException(what + " failed", e);
    }
  }

  private static void fails(String what, Callable<CompletableFuture<?>> operation) {
    throwsTooMany(what, () -> operation.call().get(20, TimeUnit.SECONDS));
  }

  private static void throwsTooMany(String what, Callable<?> call) {
    try {
      Object _ = call.call();
    } catch (Exception e) {
      if (ErrorKind.of(e) != ErrorKind.TOO_MANY_OPEN_FILES) {
        throw new IllegalStateException(what + " failed otherwise", e);
      }
      return;
    }
    throw new IllegalStateException(what + " worked without a descriptor");
  }

  private static boolean removeAll(Fs fs, Path tree) throws IOException {
    fs.removeDirectoryAll(tree);
    return true;
  }
}
