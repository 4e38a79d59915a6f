package dev.annulus.adapter.nio;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Maps files through a channel of the JDK's without letting interrupts in, which would close it: on a thread that nobody can interrupt,
 * where that may be.
 */
final class Mapping {
  private Mapping() {}

  static MappedByteBuffer map(FileChannel channel, MapMode mode, long position, long size) throws IOException {
    return onOtherThread(() -> channel.map(mode, position, size));
  }

  static MemorySegment map(FileChannel channel, MapMode mode, long offset, long size, Arena arena) throws IOException {
    Thread other = Thread.ofVirtual().unstarted(() -> {});
    return arena.allocate(0).isAccessibleBy(other)
        ? onOtherThread(() -> channel.map(mode, offset, size, arena))
        : withInterruptPutAside(() -> channel.map(mode, offset, size, arena));
  }

  private interface Call<T> {
    T run() throws IOException;
  }

  private static <T> T onOtherThread(Call<T> call) throws IOException {
    return Waiting.await(
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return call.run();
              } catch (IOException e) {
                throw new CompletionException(e);
              }
            },
            Thread::startVirtualThread));
  }

  /**
   * For memory confined to this thread. An interrupt in the very moment closes the channel, and ends the locks held through it; the next
   * use opens it again.
   */
  private static <T> T withInterruptPutAside(Call<T> call) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      return call.run();
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
