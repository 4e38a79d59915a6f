package dev.annulus.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.testing.FaultyFileSystem.Option;
import dev.annulus.testing.fuse.Reply;
import dev.annulus.testing.fuse.Request;
import dev.annulus.testing.fuse.Request.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Looks at the fixture with the JDK's own channels: what it is told to do wrong is seen, and
 * nothing else.
 */
class FaultyFileSystemTest {
  private static final int SECONDS = 20;

  private static final List<Kind> REFUSED =
      List.of(
          Kind.OPEN, Kind.CREATE, Kind.MKDIR, Kind.UNLINK, Kind.RENAME, Kind.LINK, Kind.OPENDIR);

  @TempDir Path directory;

  @ParameterizedTest
  @EnumSource(Option.class)
  void file_writtenInPieces_readsBack(Option option) throws IOException {
    byte[] contents = new byte[3_000_000];
    new Random(7).nextBytes(contents);
    try (FaultyFileSystem fs = FaultyFileSystem.mount(directory, option)) {
      Path file = fs.root().resolve("file");
      Files.write(file, contents);
      assertArrayEquals(contents, Files.readAllBytes(file));
      assertEquals(contents.length, Files.size(file));

      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(70_000);
        channel.write(ByteBuffer.wrap(new byte[] {1}), 100_000);
      }
      byte[] changed = Files.readAllBytes(file);
      assertEquals(100_001, changed.length);
      assertEquals(contents[69_999], changed[69_999]);
      assertEquals(0, changed[70_000]);
      assertEquals(1, changed[100_000]);
    }
  }

  @Test
  void names_madeMovedAndRemoved_areListed() throws IOException {
    try (FaultyFileSystem fs = FaultyFileSystem.mount(directory)) {
      Path inner = Files.createDirectories(fs.root().resolve("outer/inner"));
      Path first = Files.writeString(inner.resolve("first"), "1");
      Path second = Files.writeString(fs.root().resolve("second"), "2");
      Files.move(second, first, StandardCopyOption.ATOMIC_MOVE);
      Files.createLink(fs.root().resolve("link"), first);
      for (int i = 0; i < 500; i++) {
        Files.createFile(inner.resolve("a rather long name of file number " + i));
      }

      assertEquals("2", Files.readString(fs.root().resolve("link")));
      assertEquals(501, list(inner).size());
      assertThrows(FileSystemException.class, () -> Files.delete(inner));
      for (Path path : list(inner)) {
        Files.delete(path);
      }
      Files.delete(inner);
      assertEquals(List.of("link", "outer"), names(fs.root()));
      assertThrows(NoSuchFileException.class, () -> Files.size(inner));
      assertEquals("outer/inner/first", fs.requests(Kind.RENAME).getFirst().target());
    }
  }

  private static List<Path> list(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.toList();
    }
  }

  private static List<String> names(Path directory) throws IOException {
    return list(directory).stream().map(path -> path.getFileName().toString()).sorted().toList();
  }

  @Test
  void write_errorBeforeAndAfter_isToldAndDoneOnlyAfter() throws IOException {
    try (FaultyFileSystem fs = FaultyFileSystem.mount(directory, Option.DIRECT_IO);
        FileChannel channel = create(fs.root().resolve("file"))) {
      fs.on(Kind.WRITE, _ -> Reply.error(Errno.ENOSPC));
      assertSays("No space left", () -> channel.write(bytes("before")));
      assertEquals(0, channel.size());

      fs.on(Kind.WRITE, _ -> Reply.errorAfter(Errno.EIO));
      assertSays("Input/output error", () -> channel.write(bytes("after"), 0));

      fs.on(Kind.WRITE, _ -> Reply.pretend());
      assertEquals(4, channel.write(bytes("lies"), 0));
      assertEquals("after", Files.readString(fs.root().resolve("file")));
    }
  }

  @Test
  void transfers_cutShort_saySo() throws IOException {
    try (FaultyFileSystem fs = FaultyFileSystem.mount(directory, Option.DIRECT_IO);
        FileChannel channel = create(fs.root().resolve("file"))) {
      fs.on(Kind.WRITE, request -> Reply.atMost(request.offset() == 3 ? 0 : 3));
      assertEquals(3, channel.write(bytes("abcdef"), 0));
      assertEquals(0, channel.write(bytes("def"), 3));
      assertEquals(3, channel.size());

      fs.on(Kind.READ, _ -> Reply.atMost(2));
      assertEquals(2, channel.read(ByteBuffer.allocate(10), 0));
      fs.on(Kind.READ, _ -> Reply.atMost(0));
      assertEquals(-1, channel.read(ByteBuffer.allocate(10), 0));
      Request first = fs.requests(Kind.WRITE).getFirst();
      assertEquals(new Request(Kind.WRITE, "file", null, 0, 6, first.flags()), first);
    }
  }

  @Test
  void syncAndClose_failed_areTold() throws IOException {
    try (FaultyFileSystem fs = FaultyFileSystem.mount(directory)) {
      FileChannel channel = create(fs.root().resolve("file"));
      channel.write(ByteBuffer.wrap(new byte[10]));
      fs.on(Kind.FSYNC, request -> Reply.error(request.flags() == 1 ? Errno.EIO : Errno.EDQUOT));
      assertSays("quota exceeded", () -> force(channel, true));
      assertSays("Input/output error", () -> force(channel, false));
      assertEquals(2, fs.calls(Kind.FSYNC));

      fs.on(Kind.FLUSH, _ -> Reply.error(Errno.ENOSPC));
      assertSays("No space left", () -> closing(channel));
      fs.awaitCalls(Kind.RELEASE, 1);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static Object force(FileChannel channel, boolean metadata) throws IOException {
    channel.force(metadata);
    return channel;
  }

  private static Object closing(FileChannel channel) throws IOException {
    channel.close();
    return channel;
  }

  @Test
  void namesAndOpens_refused_fail() throws IOException {
    try (FaultyFileSystem fs = FaultyFileSystem.mount(directory)) {
      Path file = Files.writeString(fs.root().resolve("file"), "here");
      Path other = fs.root().resolve("other");
      for (Kind kind : REFUSED) {
        fs.on(kind, _ -> Reply.error(Errno.EROFS));
      }
      String text = "Read-only";
      assertSays(text, () -> Files.readString(file));
      assertSays(text, () -> Files.createFile(other));
      assertSays(text, () -> Files.createDirectory(other));
      assertThrows(FileSystemException.class, () -> Files.delete(file));
      assertSays(text, () -> Files.move(file, other, StandardCopyOption.ATOMIC_MOVE));
      assertSays(text, () -> Files.createLink(other, file));
      assertSays(text, () -> list(fs.root()));
      fs.pass();
      assertEquals("here", Files.readString(file));
    }
  }

  @Test
  void requests_hanging_holdUpNobodyElse() throws Exception {
    try (FaultyFileSystem fs = FaultyFileSystem.mount(directory, Option.DIRECT_IO);
        FileChannel channel = create(fs.root().resolve("file"))) {
      channel.write(ByteBuffer.wrap(new byte[64]));
      fs.on(Kind.READ, _ -> Reply.hang());
      List<CompletableFuture<Integer>> reads =
          IntStream.range(0, 32)
              .mapToObj(i -> start(() -> channel.read(ByteBuffer.allocate(1), i)))
              .toList();
      fs.awaitHanging(32);
      fs.pass();
      Path other = Files.writeString(fs.root().resolve("other"), "healthy");
      assertEquals("healthy", Files.readString(other));
      assertTrue(reads.stream().noneMatch(CompletableFuture::isDone));

      assertEquals(1, fs.release(request -> request.offset() == 5));
      assertEquals(1, reads.get(5).get(SECONDS, TimeUnit.SECONDS));
      assertEquals(31, fs.release());
      for (CompletableFuture<Integer> read : reads) {
        assertEquals(1, read.get(SECONDS, TimeUnit.SECONDS));
      }
    }
  }

  @Test
  void read_hangingAndReleasedWithError_fails() throws Exception {
    try (FaultyFileSystem fs = FaultyFileSystem.mount(directory, Option.DIRECT_IO);
        FileChannel channel = create(fs.root().resolve("file"))) {
      fs.on(Kind.READ, _ -> Reply.hang().then(Reply.error(Errno.EIO)));
      CompletableFuture<Integer> read = start(() -> channel.read(ByteBuffer.allocate(1), 0));
      fs.awaitHanging(1);
      assertThrows(TimeoutException.class, () -> read.get(1, TimeUnit.MILLISECONDS));
      fs.release();
      assertThrows(ExecutionException.class, () -> read.get(SECONDS, TimeUnit.SECONDS));
    }
  }

  /**
   * Closing a channel sends a signal to the thread that reads from it, which the kernel passes on
   * as an interrupt.
   */
  @Test
  void read_interrupted_isAnsweredAsToldOrStays() throws Exception {
    try (FaultyFileSystem fs = FaultyFileSystem.mount(directory, Option.DIRECT_IO)) {
      Path file = Files.writeString(fs.root().resolve("file"), "contents");
      fs.on(Kind.READ, _ -> Reply.hang().onInterrupt(Reply.error(Errno.EINTR)));
      FileChannel first = FileChannel.open(file);
      CompletableFuture<Integer> read = start(() -> first.read(ByteBuffer.allocate(1), 0));
      fs.awaitHanging(1);
      first.close();
      awaitEnd(read);
      assertEquals(List.of(), fs.hanging());

      fs.on(Kind.READ, _ -> Reply.hang());
      FileChannel second = FileChannel.open(file);
      CompletableFuture<Integer> deaf = start(() -> second.read(ByteBuffer.allocate(1), 0));
      fs.awaitHanging(1);
      CompletableFuture<Object> closing = start(() -> closing(second));
      assertThrows(TimeoutException.class, () -> deaf.get(200, TimeUnit.MILLISECONDS));
      fs.release();
      awaitEnd(deaf);
      closing.get(SECONDS, TimeUnit.SECONDS);
    }
  }

  @Test
  void close_withHangingRequestsAndOpenFiles_endsThemAndLeavesNothing() throws Exception {
    FaultyFileSystem fs = FaultyFileSystem.mount(directory, Option.DIRECT_IO);
    FileChannel channel = create(fs.root().resolve("file"));
    for (Kind kind : List.of(Kind.FSYNC, Kind.READ, Kind.FLUSH, Kind.LOOKUP)) {
      fs.on(kind, _ -> Reply.hang());
    }
    List<CompletableFuture<?>> stuck =
        List.of(
            start(() -> force(channel, true)),
            start(() -> channel.read(ByteBuffer.allocate(1), 0)),
            start(() -> Files.readString(fs.root().resolve("unknown"))));
    fs.awaitHanging(3);
    fs.close();
    for (CompletableFuture<?> each : stuck) {
      assertThrows(ExecutionException.class, () -> each.get(SECONDS, TimeUnit.SECONDS));
    }
    assertThrows(IOException.class, () -> force(channel, true));
    assertThrows(IOException.class, channel::close);
    assertFalse(Files.exists(fs.root()));
    assertFalse(Files.readString(Path.of("/proc/self/mounts")).contains(fs.root().toString()));
    assertTrue(
        Thread.getAllStackTraces().keySet().stream()
            .noneMatch(thread -> thread.getName().startsWith("annulus-faulty")));
  }

  /** Waits for a result or an exception: which of them, the channel decides. */
  private static void awaitEnd(CompletableFuture<?> future) throws Exception {
    Object _ = future.handle((_, _) -> true).get(SECONDS, TimeUnit.SECONDS);
  }

  private static FileChannel create(Path file) throws IOException {
    return FileChannel.open(
        file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  private static void assertSays(String text, Callable<?> action) {
    IOException e = assertThrows(IOException.class, action::call);
    assertTrue(String.valueOf(e.getMessage()).contains(text), e.toString());
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(UTF_8));
  }

  private static <T> CompletableFuture<T> start(Callable<T> action) {
    CompletableFuture<T> future = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try {
                future.complete(action.call());
              } catch (Throwable e) {
                future.completeExceptionally(e);
              }
            });
    return future;
  }
}
