package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.SmallDisk;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** That an allocation is had or leaves no trace, and takes nothing from others. */
abstract class AllocateContract extends BackendContract {
  private static final int MEGABYTES = 32;
  private static final int STEP = 64 << 10;

  @ParameterizedTest
  @ValueSource(strings = {"ext4", "tmpfs"})
  void allocate_ofMoreThanThereIs_changesNothing(String type) throws Exception {
    try (SmallDisk disk = SmallDisk.mount(type, MEGABYTES, dir)) {
      Path path = disk.path().resolve("file");
      try (AsyncFile file = open(path, CREATE, WRITE)) {
        assertEquals(1000, get(file.write(direct(bytes(1000, 1)), 0)));
        get(file.sync(Sync.ALL));
        long free = disk.free();
        for (long length : new long[] {MEGABYTES << 20, 1L << 40}) {
          ErrnoException refused = failure(ErrnoException.class, file.allocate(500, length));
          assertEquals(ErrorKind.NO_SPACE, refused.kind());
          String message = String.valueOf(refused.getMessage());
          assertTrue(message.contains("fallocate"), message);
          assertEquals(1000, get(file.size()));
          assertEquals(free, disk.free(), "free");
        }
      }
    }
  }

  /** Where it is not certain beforehand how much there is. */
  @ParameterizedTest
  @ValueSource(strings = {"ext4", "tmpfs"})
  void allocate_ofAboutWhatThereIs_isDoneOrChangesNothing(String type) throws Exception {
    try (SmallDisk disk = SmallDisk.mount(type, MEGABYTES, dir)) {
      Path path = disk.path().resolve("file");
      int done = 0;
      int refused = 0;
      for (int i = -8; i < 64; i++) {
        try (AsyncFile file = open(path, CREATE, WRITE)) {
          long free = disk.free();
          long length = free - (long) i * STEP;
          CompletableFuture<Boolean> allocated =
              file.allocate(0, length).handle((_, failure) -> failure == null);
          if (get(allocated)) {
            done++;
            assertEquals(length, get(file.size()));
          } else {
            refused++;
            assertEquals(0, get(file.size()), "length");
            assertEquals(free, disk.free(), "free, having asked for " + length);
          }
        }
        Files.delete(path);
      }
      assertTrue(done > 0 && refused > 0, done + " done, " + refused + " refused");
    }
  }

  /** What is allocated already needs no room. */
  @Test
  void allocate_ofWhatIsThere_isDoneOnAFullDisk() throws Exception {
    try (SmallDisk disk = SmallDisk.mount("ext4", MEGABYTES, dir)) {
      try (AsyncFile file = open(disk.path().resolve("file"), CREATE, WRITE)) {
        long most = disk.free() * 3 / 4;
        assertNull(get(file.allocate(0, most)));
        assertNull(get(file.allocate(0, most)));
        assertNull(get(file.allocate(STEP, most - STEP)));
        assertEquals(most, get(file.size()));
      }
    }
  }

  @Test
  void allocate_whileOthersAppend_overwritesNothing() throws Exception {
    Path path = file(new byte[0]);
    AtomicBoolean over = new AtomicBoolean();
    byte[] record = new byte[512];
    Arrays.fill(record, (byte) 'x');
    CompletableFuture<Long> appended =
        CompletableFuture.supplyAsync(
            () -> {
              long count = 0;
              try (FileChannel other = FileChannel.open(path, APPEND)) {
                while (!over.get()) {
                  count += other.write(ByteBuffer.wrap(record));
                }
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
              return count;
            });
    try (AsyncFile file = open(path, WRITE)) {
      for (int i = 0; i < 100; i++) {
        long size = get(file.size());
        assertNull(get(file.allocate(size, 100_000)));
      }
    } finally {
      over.set(true);
    }
    long wanted = appended.get(20, TimeUnit.SECONDS);
    long found = 0;
    for (byte b : Files.readAllBytes(path)) {
      found += b == 'x' ? 1 : 0;
    }
    assertEquals(wanted, found);
  }
}
