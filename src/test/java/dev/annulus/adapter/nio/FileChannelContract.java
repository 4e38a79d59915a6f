package dev.annulus.adapter.nio;

import static dev.annulus.adapter.nio.ScenarioArguments.text;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.AsyncFile;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link AnnulusFileChannel}: what the JDK's channel does, and what it does not. */
abstract class FileChannelContract extends ChannelContract {
  @ParameterizedTest
  @EnumSource(FileChannelScenario.class)
  void calls_ofEachScenario_comeToWhatTheJdksComeTo(FileChannelScenario scenario) throws Exception {
    assertPlaysAlike(scenario::play);
  }

  // ---- interrupts ----

  @Test
  void calls_withAnInterruptPending_completeAndLeaveTheChannelOpen() throws Exception {
    Path path = Files.writeString(dir.resolve("f"), "0123456789");
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path, READ, WRITE)) {
      Thread.currentThread().interrupt();
      ByteBuffer buffer = ByteBuffer.allocate(4);
      assertEquals(4, channel.read(buffer));
      assertEquals(2, channel.write(text("ab"), 8));
      assertEquals(2, channel.write(new ByteBuffer[] {text("c"), text("d")}));
      channel.force(true);
      assertEquals(10, channel.truncate(20).size());
      assertEquals('a', channel.map(MapMode.READ_ONLY, 8, 1).get(0));
      try (Arena arena = Arena.ofConfined()) {
        assertEquals(2, channel.map(MapMode.READ_ONLY, 8, 2, arena).byteSize());
      }
      try (FileLock lock = channel.tryLock()) {
        assertNotNull(lock);
      }
      assertEquals(3, channel.transferTo(0, 3, ByteCounter.open()));
      assertTrue(Thread.interrupted(), "the interrupt is no longer pending");
      assertTrue(channel.isOpen());
    } finally {
      boolean _ = Thread.interrupted();
    }
    assertEquals("0123cd67ab", Files.readString(path));
  }

  @Test
  void calls_whileTheirThreadIsInterruptedAgainAndAgain_complete() throws Exception {
    byte[] contents = new byte[1 << 20];
    new Random(1).nextBytes(contents);
    Path path = Files.write(dir.resolve("f"), contents);
    Thread reader = Thread.currentThread();
    CompletableFuture<Void> enough = new CompletableFuture<>();
    CompletableFuture<Void> pest =
        CompletableFuture.runAsync(
            () -> {
              while (!enough.isDone()) {
                reader.interrupt();
              }
            });
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path, READ, WRITE)) {
      for (int i = 0; i < 2000; i++) {
        ByteBuffer buffer = ByteBuffer.allocate(512);
        int at = i * 511;
        assertEquals(512, channel.read(buffer, at));
        assertEquals(512, channel.write(buffer.flip(), at));
      }
    } finally {
      enough.complete(null);
      pest.join();
      boolean _ = Thread.interrupted();
    }
    assertArrayEquals(contents, Files.readAllBytes(path));
  }

  // ---- many threads ----

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void positionalCalls_byManyThreadsAtOnce_eachMeetTheirOwnPlace(boolean virtual) throws Exception {
    int threads = 8;
    int block = 1000;
    int rounds = 100;
    Path path = dir.resolve("f");
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path, CREATE, READ, WRITE);
        ExecutorService executor = virtual ? Executors.newVirtualThreadPerTaskExecutor() : Executors.newFixedThreadPool(threads)) {
      List<Future<?>> tasks = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int thread = t;
        tasks.add(
            executor.submit(
                () -> {
                  for (int i = 0; i < rounds; i++) {
                    byte[] bytes = new byte[block];
                    new Random(thread * 1000L + i).nextBytes(bytes);
                    long at = ((long) i * threads + thread) * block;
                    assertEquals(block, channel.write(ByteBuffer.wrap(bytes), at));
                    ByteBuffer back = i % 2 == 0 ? ByteBuffer.allocate(block) : ByteBuffer.allocateDirect(block);
                    assertEquals(block, channel.read(back, at));
                    assertEquals(ByteBuffer.wrap(bytes), back.flip());
                  }
                  return null;
                }));
      }
      for (Future<?> task : tasks) {
        Object _ = task.get();
      }
      assertEquals((long) threads * block * rounds, channel.size());
      assertEquals(0, channel.position());
    }
  }

  @Test
  void writes_byManyThreadsAtThePosition_comeOneAfterTheOther() throws Exception {
    int threads = 4;
    int records = 200;
    Path path = dir.resolve("f");
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path, CREATE, WRITE);
        ExecutorService executor = Executors.newFixedThreadPool(threads)) {
      List<Future<?>> tasks = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        String record = String.valueOf((char) ('a' + t)).repeat(10);
        tasks.add(
            executor.submit(
                () -> {
                  for (int i = 0; i < records; i++) {
                    assertEquals(10, channel.write(new ByteBuffer[] {text(record.substring(0, 5)), text(record.substring(5))}));
                  }
                  return null;
                }));
      }
      for (Future<?> task : tasks) {
        Object _ = task.get();
      }
    }
    String all = Files.readString(path);
    assertEquals(threads * records * 10, all.length());
    for (int i = 0; i < all.length(); i += 10) {
      assertEquals(all.substring(i, i + 1).repeat(10), all.substring(i, i + 10), "torn at " + i);
    }
  }

  // ---- large ones ----

  @Test
  void transferTo_ofMoreThanTwoGigabytes_movesThemAll() throws Exception {
    long size = (1L << 31) + 12345;
    Path path = dir.resolve("sparse");
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path, CREATE, READ, WRITE)) {
      assertEquals(3, channel.write(text("end"), size - 3));
      ByteCounter counter = ByteCounter.open();
      assertEquals(size, channel.transferTo(0, Long.MAX_VALUE, counter));
      assertEquals(size, counter.count);
      assertEquals('e' + 'n' + 'd', counter.sum);
    }
  }

  // ---- what the JDK's channel does not do ----

  @Test
  void channel_openToReadAndAppend_readsAtItsPositionAndWritesAtTheEnd() throws Exception {
    Path path = Files.writeString(dir.resolve("f"), "0123456789");
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path, READ, APPEND)) {
      ByteBuffer buffer = ByteBuffer.allocate(3);
      assertEquals(3, channel.read(buffer));
      assertEquals(3, channel.position());
      assertEquals(2, channel.write(text("ab")));
      assertEquals(12, channel.position());
      assertEquals(2, channel.position(10).read(buffer.clear()));
      assertEquals("ab", ISO_8859_1.decode(buffer.flip()).toString());
    }
    assertEquals("0123456789ab", Files.readString(path));
  }

  @Test
  void attributes_ofAFileThatIsCreated_areItsOwn() throws Exception {
    Path path = dir.resolve("f");
    var mine = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    AnnulusFileChannel.open(runtime, path, Set.of(CREATE, WRITE), mine).close();
    assertEquals(mine.value(), Files.getPosixFilePermissions(path));
  }

  @Test
  void calls_onTheRuntimesOwnThread_areRefused() throws Exception {
    Path path = Files.writeString(dir.resolve("f"), "0123456789");
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path, READ, WRITE)) {
      List<Class<?>> refusals =
          onRuntimeThread(
              () -> {
                List<Class<?>> all = new ArrayList<>();
                all.add(assertThrows(RuntimeException.class, () -> channel.read(ByteBuffer.allocate(1))).getClass());
                all.add(assertThrows(RuntimeException.class, () -> channel.write(text("x"), 0)).getClass());
                all.add(assertThrows(RuntimeException.class, channel::position).getClass());
                all.add(assertThrows(RuntimeException.class, () -> channel.truncate(1)).getClass());
                all.add(assertThrows(RuntimeException.class, channel::tryLock).getClass());
                all.add(assertThrows(RuntimeException.class, () -> channel.map(MapMode.READ_ONLY, 0, 1)).getClass());
                all.add(assertThrows(RuntimeException.class, () -> AnnulusFileChannel.open(runtime, path)).getClass());
                return all;
              });
      assertEquals(Set.of(IllegalStateException.class), Set.copyOf(refusals));
      assertTrue(channel.isOpen());
    }
  }

  // ---- closing ----

  @Test
  void close_ofTheRuntime_closesTheChannel() throws Exception {
    IoRuntime own = IoRuntime.builder().backend(backend()).open();
    FileChannel channel = AnnulusFileChannel.open(own, Files.writeString(dir.resolve("f"), "x"), READ, WRITE);
    own.close();
    assertThrows(ClosedChannelException.class, () -> channel.read(ByteBuffer.allocate(1)));
    assertFalse(channel.isOpen());
    assertThrows(ClosedChannelException.class, channel::size);
    channel.close();
  }

  @Test
  void close_whileOthersRead_letsThemEndAndRefusesTheNext() throws Exception {
    Path path = Files.write(dir.resolve("f"), new byte[1 << 20]);
    for (int round = 0; round < 20; round++) {
      FileChannel channel = AnnulusFileChannel.open(runtime, path, READ);
      CompletableFuture<Void> reading = new CompletableFuture<>();
      try (ExecutorService executor = Executors.newFixedThreadPool(3)) {
        List<Future<IOException>> ends = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
          boolean positional = t > 0;
          ends.add(
              executor.submit(
                  () -> {
                    ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
                    try {
                      while (true) {
                        int count = positional ? channel.read(buffer.clear(), 5) : channel.position(5).read(buffer.clear());
                        assertEquals(1 << 16, count);
                        reading.complete(null);
                      }
                    } catch (IOException e) {
                      return e;
                    }
                  }));
        }
        reading.join();
        channel.close();
        for (Future<IOException> end : ends) {
          assertSame(ClosedChannelException.class, end.get().getClass());
        }
      }
    }
  }

  // ---- mapping ----

  @Test
  void map_whenThePathNamesAnotherFile_isRefused() throws Exception {
    Path path = Files.writeString(dir.resolve("f"), "mine");
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path, READ, WRITE)) {
      Files.move(path, dir.resolve("moved"));
      FileSystemException gone = assertThrows(FileSystemException.class, () -> channel.map(MapMode.READ_WRITE, 0, 4));
      assertTrue(gone.toString().contains("nothing"), gone::toString);
      Files.writeString(path, "other");
      FileSystemException replaced = assertThrows(FileSystemException.class, () -> channel.map(MapMode.READ_WRITE, 0, 4));
      assertTrue(replaced.toString().contains("another file"), replaced::toString);
      assertThrows(FileSystemException.class, () -> channel.tryLock());
      Files.move(dir.resolve("moved"), path, REPLACE_EXISTING);
      assertEquals('m', channel.map(MapMode.READ_WRITE, 0, 4).get(0));
      Files.move(path, dir.resolve("moved"));
      assertEquals('m', channel.map(MapMode.READ_WRITE, 0, 4).get(0), "once opened, the second channel stays");
    }
  }

  @Test
  void map_seesWhatIsWrittenAndTheOtherWayRound() throws Exception {
    try (FileChannel channel = AnnulusFileChannel.open(runtime, dir.resolve("f"), CREATE, READ, WRITE)) {
      var mapped = channel.map(MapMode.READ_WRITE, 0, 10);
      assertEquals(10, channel.size());
      assertEquals(2, channel.write(text("ab"), 4));
      assertEquals('b', mapped.get(5));
      mapped.put(0, (byte) 'z');
      mapped.force();
      ByteBuffer buffer = ByteBuffer.allocate(1);
      assertEquals(1, channel.read(buffer, 0));
      assertEquals('z', buffer.get(0));
    }
  }

  // ---- with the other kinds ----

  @Test
  void locks_ofTheJdksChannelInThisJvm_areOverlapsToOurs() throws Exception {
    Path path = Files.writeString(dir.resolve("f"), "x");
    try (FileChannel jdk = FileChannel.open(path, READ, WRITE);
        FileChannel channel = AnnulusFileChannel.open(runtime, path, READ, WRITE)) {
      FileLock theirs = jdk.lock(0, 10, true);
      assertThrows(OverlappingFileLockException.class, () -> channel.tryLock(9, 1, true));
      assertThrows(OverlappingFileLockException.class, () -> channel.lock(9, 1, true));
      FileLock beside = assertNotNullLock(channel.tryLock(10, 1, false));
      theirs.release();
      assertThrows(OverlappingFileLockException.class, () -> jdk.tryLock(10, 1, true));
      beside.release();
      assertNotNullLock(jdk.tryLock(10, 1, false));
    }
  }

  @Test
  void writes_throughTheRuntimesOwnFile_areSeen() throws Exception {
    Path path = Files.writeString(dir.resolve("f"), "0123456789");
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path, READ);
        AsyncFile file = runtime.openFile(path, WRITE).get()) {
      assertEquals(2, file.write(text("ab"), 3).get());
      ByteBuffer buffer = ByteBuffer.allocate(4);
      assertEquals(4, channel.read(buffer, 2));
      assertEquals("2ab5", ISO_8859_1.decode(buffer.flip()).toString());
    }
  }

  static FileLock assertNotNullLock(@Nullable FileLock lock) {
    assertNotNull(lock);
    return Objects.requireNonNull(lock);
  }

  /** Counts bytes, and adds them up. */
  static final class ByteCounter implements WritableByteChannel {
    long count;
    long sum;

    static ByteCounter open() {
      return new ByteCounter();
    }

    @Override
    public int write(ByteBuffer src) {
      int length = src.remaining();
      count += length;
      while (src.remaining() >= Long.BYTES) {
        long eight = src.getLong();
        for (; eight != 0; eight >>>= Byte.SIZE) {
          sum += eight & 0xff;
        }
      }
      while (src.hasRemaining()) {
        sum += src.get() & 0xff;
      }
      return length;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
