package dev.annulus.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.AsyncFile;
import dev.annulus.ErrorKind;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.BitSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What takes long, and where the way of waiting makes no difference: once for each backend. */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class FsEnduranceContract {
  @TempDir Path dir;

  private IoRuntime runtime;
  private Fs fs;

  abstract IoRuntime.Builder configure(IoRuntime.Builder builder);

  @BeforeEach
  void open() {
    runtime = configure(IoRuntime.builder()).open();
    fs = Fs.on(runtime, Blocking.FUTURES);
  }

  @AfterEach
  @Timeout(value = 30, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void close() {
    runtime.close();
  }

  @Test
  @DisplayName("D3 a directory of 100,000 entries is listed whole, and removed")
  void readDirectory_of100000Entries_listsAll() throws IOException {
    int count = 100_000;
    Path large = Files.createDirectory(dir.resolve("large"));
    Path source = Files.createFile(dir.resolve("source-0"));
    for (int i = 0; i < count; i++) {
      if (i % 50_000 == 0) { // more links than file systems allow one file
        source = Files.createFile(dir.resolve("source-of-" + i));
      }
      Files.createLink(large.resolve("entry-" + i), source);
    }
    BitSet seen = new BitSet(count);
    for (FsDirEntry entry : fs.readDirectory(large)) {
      int number = Integer.parseInt(entry.fileName().substring("entry-".length()));
      assertFalse(seen.get(number), () -> "listed twice: " + entry);
      assertFalse(entry.isDirectory());
      seen.set(number);
    }
    assertEquals(count, seen.cardinality());
    fs.removeDirectoryAll(large);
    assertFalse(Files.exists(large));
  }

  @Test
  @DisplayName("D5 removeDirectoryAll never follows a link that is put in a directory's place meanwhile")
  void removeDirectoryAll_directoriesSwappedForLinksMeanwhile_leavesTheVictim() throws Exception {
    int rounds = 2000;
    Path victim = Files.createDirectories(dir.resolve("victim"));
    for (int i = 0; i < 4; i++) {
      Files.writeString(victim.resolve("f" + i), "precious");
      Files.writeString(Files.createDirectory(victim.resolve("d" + i)).resolve("f"), "precious");
    }
    Set<String> before = namesIn(victim);
    Swapper swapper = new Swapper(dir, victim);
    Thread attacker = Thread.ofPlatform().name("swapper").start(swapper);
    try {
      for (int round = 0; round < rounds; round++) {
        Path tree = buildTree(round);
        swapper.attack();
        removeUnderAttack(tree);
      }
    } finally {
      swapper.end();
      assertTrue(attacker.join(Duration.ofSeconds(10)));
    }
    assertEquals(before, namesIn(victim));
    assertTrue(swapper.swaps.get() > rounds / 10, () -> "too few swaps to tell anything: " + swapper.swaps);
  }

  /** A tree of a few directories, put in its place at once when it is complete. */
  private Path buildTree(int round) throws IOException {
    Path made = Files.createDirectory(dir.resolve("made-" + round));
    for (int i = 0; i < Swapper.DIRECTORIES; i++) {
      Files.createFile(Files.createDirectory(made.resolve("d" + i)).resolve("f"));
    }
    return Files.move(made, dir.resolve("tree"), StandardCopyOption.ATOMIC_MOVE);
  }

  /** The attacker may put a link into the tree behind the removal's back: then it is not empty at the end, and removed again. */
  private void removeUnderAttack(Path tree) throws IOException {
    while (Files.exists(tree)) {
      try {
        fs.removeDirectoryAll(tree);
      } catch (IOException e) {
        assertEquals(ErrorKind.DIRECTORY_NOT_EMPTY, ErrorKind.of(e), e::toString);
      }
    }
  }

  private static Set<String> namesIn(Path directory) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      return all.map(Path::toString).collect(Collectors.toCollection(TreeSet::new));
    }
  }

  /** Each time it is told to, takes the tree's directories away, and puts links to the victim in their places. */
  private static final class Swapper implements Runnable {
    static final int DIRECTORIES = 4;

    final AtomicInteger swaps = new AtomicInteger();
    private final Semaphore attacks = new Semaphore(0);
    private final AtomicBoolean ended = new AtomicBoolean();
    private final Path tree;
    private final Path parking;
    private final Path victim;

    Swapper(Path dir, Path victim) throws IOException {
      this.tree = dir.resolve("tree");
      this.parking = Files.createDirectory(dir.resolve("parking"));
      this.victim = victim;
    }

    void attack() {
      attacks.release();
    }

    void end() {
      ended.set(true);
      attacks.release();
    }

    @Override
    public void run() {
      for (int attack = 0; ; attack++) {
        attacks.acquireUninterruptibly();
        if (ended.get()) {
          return;
        }
        for (int i = 0; i < DIRECTORIES; i++) {
          swap(tree.resolve("d" + i), parking.resolve("d" + attack + "-" + i));
        }
      }
    }

    private void swap(Path directory, Path parked) {
      Path link = parking.resolve("link");
      try {
        if (!Files.isSymbolicLink(link)) {
          Files.createSymbolicLink(link, victim);
        }
        Files.move(directory, parked, StandardCopyOption.ATOMIC_MOVE);
        Files.move(link, directory, StandardCopyOption.ATOMIC_MOVE);
        swaps.incrementAndGet();
      } catch (FileSystemException e) {
        // That directory, or the whole tree, is gone already.
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
  }

  @Test
  @DisplayName("R5 a transfer of more than 4 GiB is split, not refused")
  void writeFully_ofMoreThan4GiB_isSplit() throws Exception {
    long size = (4L << 30) + 4097;
    Path sparse = dir.resolve("sparse");
    try (Arena arena = Arena.ofShared();
        FileChannel channel =
            FileChannel.open(sparse, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        AsyncFile sink = runtime.openFile(Path.of("/dev/null"), StandardOpenOption.WRITE).get(10, TimeUnit.SECONDS)) {
      MemorySegment source = channel.map(FileChannel.MapMode.READ_WRITE, 0, size, arena);
      long before = runtime.stats().completed();
      assertEquals(0x7ffff000L, sink.write(source, 0).get(10, TimeUnit.SECONDS));
      sink.writeFully(source, 0).get(10, TimeUnit.SECONDS);
      long operations = runtime.stats().completed() - before;
      assertEquals(1 + 3, operations);
    }
  }
}
