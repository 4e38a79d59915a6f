package wal;

import static java.util.concurrent.TimeUnit.SECONDS;

import dev.annulus.IoRuntime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/** What tests of the log do again and again. */
final class LogFixture {
  static final WriteAheadLog.Settings SMALL = new WriteAheadLog.Settings(8 << 10, 2 << 10);

  private LogFixture() {}

  static byte[] payload(Random random) {
    byte[] payload = new byte[random.nextInt(300)];
    random.nextBytes(payload);
    return payload;
  }

  /** Appends all, one batch or many, and waits until they are durable. */
  static void append(WriteAheadLog log, List<byte[]> payloads) throws Exception {
    for (byte[] payload : payloads) {
      long _ = log.append(ByteBuffer.wrap(payload)).get(20, SECONDS);
    }
  }

  /** What the log in a directory holds, by opening it and closing it again. */
  static List<byte[]> recover(IoRuntime runtime, Path directory) throws IOException {
    List<byte[]> payloads = new ArrayList<>();
    open(runtime, directory, payloads).close();
    return payloads;
  }

  static WriteAheadLog open(IoRuntime runtime, Path directory, List<byte[]> found) throws IOException {
    return WriteAheadLog.open(
        runtime,
        directory,
        SMALL,
        (sequence, payload) -> {
          if (sequence != found.size()) {
            throw new AssertionError("record " + sequence + " in place " + found.size());
          }
          byte[] bytes = new byte[payload.remaining()];
          payload.get(bytes);
          found.add(bytes);
        });
  }

  static List<Path> segments(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.toString().endsWith(".wal")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The first segment from the end that a batch went to. */
  static Path lastUsedSegment(Path directory) throws IOException {
    for (Path segment : segments(directory).reversed()) {
      byte[] bytes = Files.readAllBytes(segment);
      for (int i = Segments.HEADER_BYTES; i < bytes.length; i++) {
        if (bytes[i] != 0) {
          return segment;
        }
      }
    }
    throw new IllegalStateException("no segment has been used in " + directory);
  }

  /** Where the records of a segment begin, and after them where the last one ends. */
  static List<Integer> boundaries(byte[] segment) {
    ByteBuffer bytes = ByteBuffer.wrap(segment).order(RecordFormat.ORDER);
    List<Integer> boundaries = new ArrayList<>(List.of(Segments.HEADER_BYTES));
    for (int at = Segments.HEADER_BYTES; at + RecordFormat.HEADER_BYTES <= segment.length && bytes.getInt(at) != 0; ) {
      at += RecordFormat.HEADER_BYTES + RecordFormat.payloadLength(bytes, at);
      boundaries.add(at);
    }
    return boundaries;
  }

  static CompletableFuture<Void> all(List<CompletableFuture<Long>> futures) {
    return CompletableFuture.allOf(futures.toArray(CompletableFuture[]::new));
  }
}
