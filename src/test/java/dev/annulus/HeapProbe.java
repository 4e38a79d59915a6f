package dev.annulus;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;

import dev.annulus.adapter.nio.AnnulusAsynchronousFileChannel;
import dev.annulus.adapter.nio.AnnulusFileChannel;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Future;

/** Transfers heap buffers in a JVM that has little native memory, and says "done". For {@link HeapTransfersTest}. */
final class HeapProbe implements AutoCloseable {
  private static final int MIB = 1 << 20;
  private static final int REPETITIONS = 300;

  private final IoRuntime runtime;
  private final AsyncFile file;
  private final FsFile fsFile;
  private final FileChannel channel;
  private final AsynchronousFileChannel asyncChannel;

  /** Counts what it writes, so that no two contents are the same. */
  private byte mark;

  private HeapProbe(Backend backend, Path path) throws Exception {
    runtime = IoRuntime.builder().backend(backend).bufferPool(64 << 10).open();
    file = runtime.openFile(path, CREATE, READ, WRITE).get(20, SECONDS);
    fsFile = Fs.on(runtime).open(path, FsOpenOptions.updating());
    channel = AnnulusFileChannel.open(runtime, path, READ, WRITE);
    asyncChannel = AnnulusAsynchronousFileChannel.open(runtime, path, READ, WRITE);
  }

  @Override
  public void close() throws IOException {
    asyncChannel.close();
    channel.close();
    fsFile.close();
    file.close();
    runtime.close();
  }

  public static void main(String[] arguments) throws Exception {
    Path path = Path.of(arguments[2]);
    try (HeapProbe probe = new HeapProbe(Backend.valueOf(arguments[0]), path)) {
      switch (arguments[1]) {
        case "again and again" -> probe.againAndAgain();
        case "large" -> probe.large();
        case "many at once" -> probe.manyAtOnce();
        default -> throw new IllegalArgumentException(arguments[1]);
      }
    } finally {
      Files.delete(path);
    }
    System.out.println("done");
  }

  private interface Transfer {
    /** How many bytes were transferred. */
    long run(ByteBuffer buffer) throws Exception;
  }

  // ---- many, one after the other ----

  private void againAndAgain() throws Exception {
    ByteBuffer buffer = ByteBuffer.wrap(new byte[2 * MIB]);
    repeat(buffer, b -> file.write(b, 0).get(20, SECONDS));
    repeat(buffer, b -> file.read(b, 0).get(20, SECONDS));
    repeat(buffer, b -> fsFile.writeAt(b, 0));
    repeat(buffer, b -> fsFile.readAt(b, 0));
    repeat(buffer, b -> channel.write(b, 0));
    repeat(buffer, b -> channel.read(b, 0));
    WritableByteChannel nowhere = Channels.newChannel(OutputStream.nullOutputStream());
    repeat(buffer, b -> channel.transferTo(0, b.remaining(), nowhere));
    repeat(buffer, this::leased);
    for (int i = 0; i < REPETITIONS / 10; i++) {
      try (IoRuntime brief = IoRuntime.builder().backend(runtime.backend()).maxInFlight(8).open()) {
        brief.buffers().lease(4096).close(); // which makes its pool
      }
    }
  }

  private static void repeat(ByteBuffer buffer, Transfer transfer) throws Exception {
    for (int i = 0; i < REPETITIONS; i++) {
      check(buffer.capacity(), transfer.run(buffer.clear()));
    }
  }

  private long leased(ByteBuffer buffer) throws Exception {
    try (BufferPool.Lease lease = runtime.buffers().lease(buffer.capacity())) {
      check(false, lease.isPooled());
      return file.read(lease.buffer(), 0).get(20, SECONDS);
    }
  }

  // ---- longer than the native memory there is ----

  private void large() throws Exception {
    byte[] source = new byte[64 * MIB];
    byte[] target = new byte[source.length];
    both(source, target, b -> file.write(b, 0).get(20, SECONDS), b -> file.read(b, 0).get(20, SECONDS));
    both(source, target, b -> all(b, file.writeFully(b, 0)), b -> all(b, file.readFully(b, 0)));
    both(source, target, b -> all(b, file.writeDurably(b, 0)), b -> all(b, file.readMany(List.of(new BufferAt(b, 0))).getFirst()));
    both(source, target, b -> file.write(parts(b), 0).get(20, SECONDS), b -> file.read(parts(b), 0).get(20, SECONDS));
    both(source, target, b -> fsFile.writeAt(b, 0), b -> fsFile.readAt(b, 0));
    both(source, target, b -> channel.write(b, 0), b -> channel.read(b, 0));
    both(source, target, b -> channel.position(0).write(array(b)), b -> channel.position(0).read(array(b)));
    both(source, target, b -> asyncChannel.write(b, 0).get(20, SECONDS), b -> asyncChannel.read(b, 0).get(20, SECONDS));
    AsyncFile here = file.callerRuns();
    both(source, target, b -> here.write(b, 0).get(20, SECONDS), b -> here.read(b, 0).get(20, SECONDS));
  }

  private static long all(ByteBuffer buffer, Future<Void> transfer) throws Exception {
    Object _ = transfer.get(60, SECONDS);
    return buffer.position();
  }

  /** Of unlike length, and one of them empty. */
  private static List<ByteBuffer> parts(ByteBuffer buffer) {
    int size = buffer.capacity();
    return List.of(
        buffer.slice(0, 100), buffer.slice(100, 0), buffer.slice(100, size / 2), buffer.slice(100 + size / 2, size / 2 - 100));
  }

  private static ByteBuffer[] array(ByteBuffer buffer) {
    return parts(buffer).toArray(ByteBuffer[]::new);
  }

  private void both(byte[] source, byte[] target, Transfer write, Transfer read) throws Exception {
    mark++;
    for (int i = 0; i < source.length; i += 1000) {
      source[i] = (byte) (mark + i / 1000);
    }
    check(source.length, write.run(ByteBuffer.wrap(source)));
    check(target.length, read.run(ByteBuffer.wrap(target)));
    check(-1, Arrays.mismatch(source, target));
  }

  // ---- many at once ----

  private void manyAtOnce() throws Exception {
    byte[] source = new byte[2 * MIB];
    for (int i = 0; i < source.length; i++) {
      source[i] = (byte) (i / 1000);
    }
    List<Future<Void>> writes = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      writes.add(file.writeFully(ByteBuffer.wrap(source), (long) i * source.length));
    }
    for (Future<Void> write : writes) {
      Object _ = write.get(60, SECONDS);
    }
    List<byte[]> targets = new ArrayList<>();
    List<BufferAt> reads = new ArrayList<>();
    for (int i = 0; i < 32; i++) {
      targets.add(new byte[source.length]);
      reads.add(new BufferAt(ByteBuffer.wrap(targets.get(i)), (long) i * source.length));
    }
    for (Future<Void> read : file.readMany(reads)) {
      Object _ = read.get(60, SECONDS);
    }
    for (byte[] target : targets) {
      check(-1, Arrays.mismatch(source, target));
    }
  }

  private static void check(Object expected, Object actual) {
    if (!expected.equals(actual)) {
      throw new AssertionError(actual + " instead of " + expected);
    }
  }

  private static void check(long expected, long actual) {
    check((Object) expected, (Object) actual);
  }
}
