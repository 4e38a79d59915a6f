package dev.annulus.internal.portable;

import dev.annulus.AsyncFile;
import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;

/** A program that uses a runtime, heap and direct buffers both, and tells which backend it got. */
final class FallbackProbe {
  private FallbackProbe() {}

  public static void main(String[] args) throws Exception {
    Path path = Path.of(args[1]);
    try (IoRuntime runtime = IoRuntime.builder().backend(Backend.valueOf(args[0])).open();
        AsyncFile file =
            runtime
                .openFile(path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE)
                .get(10, TimeUnit.SECONDS)) {
      file.writeDurably(ByteBuffer.wrap("hello, native access".getBytes(StandardCharsets.US_ASCII)), 0)
          .get(10, TimeUnit.SECONDS);
      ByteBuffer into = ByteBuffer.allocateDirect(20);
      file.readFully(into, 0).get(10, TimeUnit.SECONDS);
      String text = StandardCharsets.US_ASCII.decode(into.flip()).toString();
      System.out.println(runtime.backend() + " read: " + text);
    }
  }
}
