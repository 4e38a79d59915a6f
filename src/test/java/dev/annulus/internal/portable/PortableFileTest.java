package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.StatResult;
import dev.annulus.testing.ChildJvm;
import dev.annulus.testing.RecordingRequest.How;
import dev.annulus.testing.RecordingRequest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What takes special care over {@code java.nio}. */
@Timeout(60)
class PortableFileTest {
  private static final EnumSet<OpenFlag> READ_APPEND =
      EnumSet.of(OpenFlag.READ, OpenFlag.WRITE, OpenFlag.APPEND, OpenFlag.CREATE);

  @TempDir Path dir;
  private final PortableDriver driver = DriverUse.driver();

  @AfterEach
  void close() {
    driver.close();
  }

  @Test
  void append_byManyHandlesOfTwoDrivers_tearsAndLosesNothing() throws Exception {
    Path log = dir.resolve("log");
    List<RecordingRequest> writes = new ArrayList<>();
    Set<String> records = new HashSet<>();
    try (PortableDriver other = DriverUse.driver()) {
      for (int handle = 0; handle < 16; handle++) {
        PortableDriver mine = handle % 2 == 0 ? driver : other;
        int fd = DriverUse.open(mine, log, READ_APPEND);
        for (int n = 0; n < 40; n++) {
          String record = "%02d-%02d:%s".formatted(handle, n, "=".repeat(n * 7));
          records.add(record);
          MemorySegment head = DriverUse.bytes(record.substring(0, 5));
          MemorySegment tail = DriverUse.bytes(record.substring(5) + "\n");
          RecordingRequest write =
              new RecordingRequest(
                  new Operation.WriteVector(
                      fd, List.of(DriverUse.piece(head), DriverUse.piece(tail)), Operation.AT_END_OF_FILE));
          writes.add(write);
          mine.submit(write);
        }
      }
      for (RecordingRequest write : writes) {
        assertTrue(write.result() > 5);
      }
    }
    List<String> found = Files.readAllLines(log, StandardCharsets.US_ASCII);
    assertEquals(records.size(), found.size());
    assertEquals(records, new HashSet<>(found));
  }

  @Test
  void openAppending_whilePathIsReplaced_readsWhatItWrites() throws Exception {
    long seed = ThreadLocalRandom.current().nextLong();
    Path path = Files.createFile(dir.resolve("log"));
    Thread replacer =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (!Thread.currentThread().isInterrupted()) {
                    // Stays open, so that its inode number is not given to the next.
                    DriverUse.open(driver, dir.resolve("next"), DriverUse.READ_WRITE_CREATE);
                    DriverUse.run(driver, new Operation.Rename(dir.resolve("next"), path));
                  }
                });
    try {
      int opened = 0;
      for (int i = 0; i < 200; i++) {
        int fd = DriverUse.run(driver, new Operation.Open(path, READ_APPEND, 0x1b6));
        if (fd == -Errno.EBUSY) {
          continue;
        }
        opened++;
        String record = seed + ":" + i + ";";
        assertEquals(record.length(), DriverUse.run(driver, DriverUse.write(fd, DriverUse.bytes(record), 0)));
        MemorySegment into = Arena.ofAuto().allocate(200L * record.length());
        int count = DriverUse.run(driver, DriverUse.read(fd, into, 0));
        assertTrue(count > 0 && DriverUse.text(into, count).endsWith(record), () -> "try of seed " + seed);
        DriverUse.close(driver, fd);
      }
      assertTrue(opened > 0);
    } finally {
      replacer.interrupt();
      replacer.join(TimeUnit.SECONDS.toMillis(20));
    }
  }

  @Test
  void confinedMemory_readAndWritten_worksFromItsOwner() {
    int fd = DriverUse.open(driver, dir.resolve("file"), DriverUse.READ_WRITE_CREATE);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment from = arena.allocateFrom("hello", StandardCharsets.US_ASCII);
      MemorySegment into = arena.allocate(8);
      RecordingRequest write = new RecordingRequest(DriverUse.write(fd, from.asSlice(1, 4), 0));
      driver.submit(write);
      assertEquals(4, write.result());
      RecordingRequest read = new RecordingRequest(DriverUse.read(fd, into.asSlice(2, 6), 0));
      driver.submit(read);
      assertEquals(4, read.result());
      assertEquals("ello", DriverUse.text(into.asSlice(2), 4));
      assertEquals(4, driver.call(DriverUse.read(fd, into, 0)));
      assertEquals("ello", DriverUse.text(into, 4));
      List<Operation.Piece> pieces = List.of(DriverUse.piece(into.asSlice(0, 1)), DriverUse.piece(into.asSlice(4, 4)));
      assertEquals(5, DriverUse.run(driver, new Operation.WriteVector(fd, pieces, 4)));
      assertEquals(5, DriverUse.run(driver, new Operation.ReadVector(fd, pieces, 2)));
      assertEquals("l", DriverUse.text(into, 1));
      assertEquals("oelo", DriverUse.text(into.asSlice(4), 4));
    }
  }

  @Test
  void confinedMemory_afterClose_isRefused() {
    int fd = DriverUse.open(driver, dir.resolve("file"), DriverUse.READ_WRITE_CREATE);
    driver.close();
    try (Arena arena = Arena.ofConfined()) {
      RecordingRequest late = new RecordingRequest(DriverUse.read(fd, arena.allocate(8), 0));
      driver.submitPastLimits(late);
      assertEquals(How.REFUSED, late.await().how());
      assertEquals(0, driver.stats().queued());
    }
  }

  @Test
  void memory_ofAnyKind_isFoundByItsAddress() {
    int fd = DriverUse.open(driver, dir.resolve("file"), DriverUse.READ_WRITE_CREATE);
    ByteBuffer buffer = ByteBuffer.allocateDirect(64).position(16).limit(40).slice().position(3).limit(5);
    long start = MemorySegment.ofBuffer(buffer).address();
    buffer.duplicate().put((byte) 'a').put((byte) 'b');
    assertEquals(2, DriverUse.run(driver, new Operation.PlainWrite(fd, buffer, start, 2, 0)));
    ByteBuffer readOnly = buffer.asReadOnlyBuffer();
    assertEquals(2, DriverUse.run(driver, new Operation.PlainWrite(fd, readOnly, start, 2, 2)));
    try (Arena arena = Arena.ofShared()) {
      MemorySegment shared = arena.allocate(16);
      assertEquals(4, DriverUse.run(driver, new Operation.PlainRead(fd, shared, shared.address() + 4, 8, 0)));
      assertEquals("abab", DriverUse.text(shared.asSlice(4), 4));
    }
    assertEquals(3, buffer.position(), "moving it is for the layer above");
  }

  @Test
  void memory_whoseArenaWasClosed_fails() {
    int fd = DriverUse.open(driver, dir.resolve("file"), DriverUse.READ_WRITE_CREATE);
    Operation write;
    try (Arena arena = Arena.ofShared()) {
      write = DriverUse.write(fd, arena.allocate(4), 0);
    }
    assertEquals(-Errno.EFAULT, DriverUse.run(driver, write));
  }

  @Test
  void stat_ofARenamedAndReplacedFile_describesTheOpenOne() throws Exception {
    Path path = dir.resolve("file");
    int fd = DriverUse.open(driver, path, DriverUse.READ_WRITE_CREATE);
    StatResult first = new StatResult();
    assertEquals(0, DriverUse.run(driver, new Operation.Stat(fd, first)));
    assertNotEquals(0, first.inode);
    assertEquals(Files.getAttribute(path, "unix:ino"), first.inode);
    Files.move(path, dir.resolve("moved"));
    Files.writeString(path, "another file");
    assertEquals(3, DriverUse.run(driver, DriverUse.write(fd, DriverUse.bytes("abc"), 0)));
    StatResult second = new StatResult();
    assertEquals(0, DriverUse.run(driver, new Operation.Stat(fd, second)));
    assertEquals(first.inode, second.inode);
    assertEquals(3, second.sizeBytes);
  }

  @Test
  void stat_withoutUnixAttributes_tellsTypeSizeAndTimes() throws Exception {
    Path file = Files.writeString(dir.resolve("file"), "abc");
    StatResult plain = new StatResult();
    FileAttributes.readBasic(file).fill(plain);
    assertEquals(0x8000, plain.mode & 0xf000);
    assertEquals(3, plain.sizeBytes);
    assertEquals(Files.getLastModifiedTime(file).toInstant().getEpochSecond(), plain.modifiedSeconds);
    assertTrue(FileAttributes.readBasic(dir).isDirectory());
  }

  @Test
  void allocate_moreThanThereIs_failsAndLeavesTheLength() {
    int fd = DriverUse.open(driver, dir.resolve("file"), DriverUse.READ_WRITE_CREATE);
    assertEquals(-Errno.ENOSPC, DriverUse.run(driver, new Operation.Allocate(fd, 0, 1L << 60)));
    StatResult stat = new StatResult();
    assertEquals(0, DriverUse.run(driver, new Operation.Stat(fd, stat)));
    assertEquals(0, stat.sizeBytes);
  }

  @Test
  void allocate_amongWriters_neverHarmsWhatTheyWrote() throws Exception {
    Path path = dir.resolve("file");
    int piece = 4096;
    int count = 200;
    int fd = DriverUse.open(driver, path, DriverUse.READ_WRITE_CREATE);
    int other = DriverUse.open(driver, path, EnumSet.of(OpenFlag.WRITE));
    MemorySegment ones = Arena.ofAuto().allocate(piece).fill((byte) 1);
    List<RecordingRequest> requests = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      requests.add(new RecordingRequest(DriverUse.write(i % 2 == 0 ? fd : other, ones, (long) i * piece)));
      requests.add(new RecordingRequest(new Operation.Allocate(other, (long) i * piece, 3L * piece)));
      requests.add(new RecordingRequest(new Operation.Truncate(fd, (long) (count + 2) * piece)));
    }
    requests.forEach(driver::submit);
    for (RecordingRequest request : requests) {
      assertTrue(request.result() >= 0);
    }
    byte[] bytes = Files.readAllBytes(path);
    for (int i = 0; i < count * piece; i++) {
      assertEquals(1, bytes[i]);
    }
  }

  @Test
  void directIo_alignedAndNot_readsOrSaysInvalid() throws Exception {
    Path path = Files.write(dir.resolve("file"), new byte[8192]);
    int fd = DriverUse.run(driver, new Operation.Open(path, EnumSet.of(OpenFlag.READ, OpenFlag.DIRECT), 0));
    if (fd == -Errno.EINVAL) {
      // A file system without direct I/O says so when opening.
      assertEquals(-Errno.EINVAL, fd);
      return;
    }
    MemorySegment aligned = Arena.ofAuto().allocate(8192, 4096);
    assertEquals(8192, DriverUse.run(driver, DriverUse.read(fd, aligned, 0)));
    assertEquals(-Errno.EINVAL, DriverUse.run(driver, DriverUse.read(fd, aligned.asSlice(1, 4096), 0)));
    assertEquals(-Errno.EINVAL, DriverUse.run(driver, DriverUse.read(fd, aligned, 1)));
  }

  @Test
  void lock_whenAnotherHandleIsClosed_isStillHeldAgainstOtherProcesses() throws Exception {
    Path path = dir.resolve("LOCK");
    int holder = DriverUse.open(driver, path, DriverUse.READ_WRITE_CREATE);
    int other = DriverUse.open(driver, path, DriverUse.READ_WRITE_CREATE);
    assertEquals(0, DriverUse.run(driver, new Operation.TryLock(holder)));
    assertEquals(-Errno.EAGAIN, DriverUse.run(driver, new Operation.TryLock(other)));
    DriverUse.close(driver, other);
    assertEquals("held", lockFromAnotherProcess(path));
    DriverUse.close(driver, holder);
    assertEquals("free", lockFromAnotherProcess(path));
  }

  @Test
  void lock_ofAReadOnlyHandle_isHeldAgainstOtherProcesses() throws Exception {
    Path path = Files.createFile(dir.resolve("LOCK"));
    int holder = DriverUse.open(driver, path, DriverUse.READ);
    assertEquals(0, DriverUse.run(driver, new Operation.TryLock(holder)));
    assertEquals("held", lockFromAnotherProcess(path));
    DriverUse.close(driver, holder);
    assertEquals("free", lockFromAnotherProcess(path));
  }

  private static String lockFromAnotherProcess(Path path) throws Exception {
    return ChildJvm.of(LockProbe.class, path.toString()).run(30).lines().getLast();
  }
}
