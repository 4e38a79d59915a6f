package dev.annulus.internal.runtime;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.IovecLayout;
import dev.annulus.internal.driver.Mounts;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.StatResult;
import dev.annulus.internal.runtime.HandRing.Entry;
import dev.annulus.internal.runtime.direct.KernelValues;
import dev.annulus.testing.RecordingRequest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every field of the entry each operation becomes, and the memory it keeps meanwhile. */
class SqeEncoderTest {
  private static final int FD = 42;
  private static final Path PATH = Path.of("/some/name");
  private static final Path OTHER = Path.of("/another");
  private static final long FAR = 1L << 40;

  private final HandRing ring = new HandRing(4, 4);
  private final InFlightTable table = new InFlightTable(2);
  private final RegisteredMemory registered = new RegisteredMemory();
  private final MemorySegment memory = Arena.ofAuto().allocate(4096, 64);
  private boolean blocks;
  private boolean opensBlock;
  private int slot;

  private final BlockingFiles files =
      new BlockingFiles(new Mounts()) {
        @Override
        boolean mayBlock(int fd) {
          assertEquals(FD, fd);
          return blocks;
        }

        @Override
        boolean opensMayBlock() {
          return opensBlock;
        }
      };

  private Entry encoded(Operation operation) {
    slot = table.claim(() -> new RecordingRequest(operation));
    SqeEncoder.push(ring.submissions(), table, slot, registered, files);
    ring.submissions().publish();
    assertEquals(1, ring.submissions().unconsumed());
    int _ = ring.take(1);
    Entry entry = ring.entries().getLast();
    assertEquals(table.userData(slot), entry.userData());
    assertTrue(table.isCurrent(entry.userData()));
    return entry;
  }

  private static Entry entry(
      int opcode, int flags, int fd, long offset, long address, int length, int opFlags, Entry of) {
    return new Entry(opcode, flags, fd, offset, address, length, opFlags, of.userData());
  }

  private MemorySegment kept() {
    return assertInstanceOf(MemorySegment.class, table.kept(slot), "may be freed while the kernel uses it");
  }

  private String keptName(long address) {
    return kept().asSlice(address - kept().address()).getString(0);
  }

  private Operation.Transfer transfer(boolean reads, boolean durable) {
    if (reads) {
      return new Operation.PlainRead(FD, memory, memory.address() + 8, 100, FAR);
    }
    return new Operation.Write() {
      @Override
      public int fd() {
        return FD;
      }

      @Override
      public Object memory() {
        return memory;
      }

      @Override
      public long address() {
        return memory.address() + 8;
      }

      @Override
      public int length() {
        return 100;
      }

      @Override
      public long offset() {
        return FAR;
      }

      @Override
      public boolean isDurable() {
        return durable;
      }
    };
  }

  @ParameterizedTest
  @CsvSource({"true,false,false", "true,false,true", "false,false,false", "false,true,false", "false,true,true"})
  void transfer_ofAnyMemory_namesIt(boolean reads, boolean durable, boolean blocking) {
    blocks = blocking;
    Entry entry = encoded(transfer(reads, durable));
    assertEquals(
        entry(
            reads ? IoUring.IORING_OP_READ : IoUring.IORING_OP_WRITE,
            blocking ? IoUring.IOSQE_ASYNC : 0,
            FD,
            FAR,
            memory.address() + 8,
            100,
            durable ? Fcntl.RWF_DSYNC : 0,
            entry),
        entry);
    assertNull(table.kept(slot));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void transfer_ofRegisteredMemory_isAFixedOne(boolean reads) {
    registered.want(memory);
    registered.registerIfWanted(ring);
    Entry entry = encoded(transfer(reads, false));
    assertEquals(reads ? IoUring.IORING_OP_READ_FIXED : IoUring.IORING_OP_WRITE_FIXED, entry.opcode());
    assertEquals(memory.address() + 8, entry.address());
    Entry beyond =
        encoded(
            reads
                ? new Operation.PlainRead(FD, memory, memory.address() + 4000, 97, 0)
                : new Operation.PlainWrite(FD, memory, memory.address() + 4000, 97, 0));
    assertEquals(reads ? IoUring.IORING_OP_READ : IoUring.IORING_OP_WRITE, beyond.opcode());
  }

  @Test
  void write_atTheEnd_hasNoPosition() {
    Entry entry =
        encoded(new Operation.PlainWrite(FD, memory, memory.address(), 1, Operation.AT_END_OF_FILE));
    assertEquals(-1, entry.offset());
  }

  @Test
  void operationsOnADescriptor_becomeTheirEntries() {
    Entry nop = encoded(new Operation.Nop());
    assertEquals(entry(IoUring.IORING_OP_NOP, 0, -1, 0, 0, 0, 0, nop), nop);
    table.release(slot);
    Entry data = encoded(new Operation.Sync(FD, true));
    assertEquals(entry(IoUring.IORING_OP_FSYNC, 0, FD, 0, 0, 0, IoUring.IORING_FSYNC_DATASYNC, data), data);
    table.release(slot);
    Entry all = encoded(new Operation.Sync(FD, false));
    assertEquals(entry(IoUring.IORING_OP_FSYNC, 0, FD, 0, 0, 0, 0, all), all);
    table.release(slot);
    Entry truncate = encoded(new Operation.Truncate(FD, FAR));
    assertEquals(entry(IoUring.IORING_OP_FTRUNCATE, 0, FD, FAR, 0, 0, 0, truncate), truncate);
    table.release(slot);
    Entry allocate = encoded(new Operation.Allocate(FD, FAR, FAR + 1));
    assertEquals(entry(IoUring.IORING_OP_FALLOCATE, 0, FD, FAR, FAR + 1, 0, 0, allocate), allocate);
    table.release(slot);
    Entry reserve = encoded(new Operation.Reserve(FD, FAR, FAR + 1));
    assertEquals(
        entry(IoUring.IORING_OP_FALLOCATE, 0, FD, FAR, FAR + 1, Fcntl.FALLOC_FL_KEEP_SIZE, 0, reserve), reserve);
    table.release(slot);
    Entry close = encoded(new Operation.Close(FD));
    assertEquals(entry(IoUring.IORING_OP_CLOSE, 0, FD, 0, 0, 0, 0, close), close);
    assertNull(table.kept(slot));
  }

  @ParameterizedTest
  @CsvSource({"true,false", "true,true", "false,false", "false,true"})
  void vector_ofPieces_keepsThemAsTheKernelWantsThem(boolean reads, boolean blocking) {
    blocks = blocking;
    List<Operation.Piece> pieces =
        List.of(new Operation.Piece(memory, memory.address(), 5), new Operation.Piece(memory, memory.address() + 64, 7));
    Entry entry =
        encoded(reads ? new Operation.ReadVector(FD, pieces, FAR) : new Operation.WriteVector(FD, pieces, FAR));
    assertEquals(
        entry(
            reads ? IoUring.IORING_OP_READV : IoUring.IORING_OP_WRITEV,
            blocking ? IoUring.IOSQE_ASYNC : 0,
            FD,
            FAR,
            kept().address(),
            2,
            0,
            entry),
        entry);
    assertEquals(2 * IovecLayout.SIZE, kept().byteSize());
    for (int i = 0; i < 2; i++) {
      assertEquals(memory.address() + i * 64L, kept().get(JAVA_LONG, i * IovecLayout.SIZE + IovecLayout.BASE));
      assertEquals(5 + 2 * i, kept().get(JAVA_LONG, i * IovecLayout.SIZE + IovecLayout.LEN));
    }
  }

  @Test
  void vector_ofMorePiecesThanTheKernelTakes_isCut() {
    List<Operation.Piece> pieces =
        IntStream.range(0, IovecLayout.MAX_COUNT + 1)
            .mapToObj(i -> new Operation.Piece(memory, memory.address() + i, 1))
            .toList();
    Entry entry = encoded(new Operation.ReadVector(FD, pieces, 0));
    assertEquals(IovecLayout.MAX_COUNT, entry.length());
    assertEquals(IovecLayout.MAX_COUNT * IovecLayout.SIZE, kept().byteSize());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void open_ofAPath_keepsItsName(boolean blocking) {
    opensBlock = blocking;
    Set<OpenFlag> flags = EnumSet.of(OpenFlag.READ, OpenFlag.WRITE, OpenFlag.CREATE, OpenFlag.NO_FOLLOW);
    Entry entry = encoded(new Operation.Open(PATH, flags, 0640));
    assertEquals(
        entry(
            IoUring.IORING_OP_OPENAT,
            blocking ? IoUring.IOSQE_ASYNC : 0,
            Fcntl.AT_FDCWD,
            0,
            kept().address(),
            0640,
            KernelValues.openFlags(flags),
            entry),
        entry);
    assertEquals(PATH.toString(), keptName(entry.address()));
  }

  @Test
  void stat_ofADescriptor_keepsTheAnswersMemory() {
    Entry entry = encoded(new Operation.Stat(FD, new StatResult()));
    assertEquals(
        entry(
            IoUring.IORING_OP_STATX,
            0,
            FD,
            kept().address(),
            entry.address(),
            KernelValues.statMask(),
            Fcntl.AT_EMPTY_PATH,
            entry),
        entry);
    assertEquals("", keptName(entry.address()));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void stat_ofAPath_keepsTheAnswersMemory(boolean follow) {
    Entry entry = encoded(new Operation.StatPath(PATH, follow, new StatResult()));
    assertEquals(
        entry(
            IoUring.IORING_OP_STATX,
            0,
            Fcntl.AT_FDCWD,
            kept().address(),
            entry.address(),
            KernelValues.statMask(),
            follow ? 0 : Fcntl.AT_SYMLINK_NOFOLLOW,
            entry),
        entry);
    assertEquals(PATH.toString(), keptName(entry.address()));
    assertEquals(0, (entry.offset() & 7), "not aligned");
  }

  @Test
  void names_madeAndRemoved_areKept() {
    Entry make = encoded(new Operation.CreateDirectory(PATH, 0750));
    assertEquals(
        entry(IoUring.IORING_OP_MKDIRAT, 0, Fcntl.AT_FDCWD, 0, kept().address(), 0750, 0, make), make);
    assertEquals(PATH.toString(), keptName(make.address()));
    table.release(slot);
    Entry unlink = encoded(new Operation.Remove(PATH, false));
    assertEquals(entry(IoUring.IORING_OP_UNLINKAT, 0, Fcntl.AT_FDCWD, 0, kept().address(), 0, 0, unlink), unlink);
    assertEquals(PATH.toString(), keptName(unlink.address()));
    table.release(slot);
    Entry rmdir = encoded(new Operation.Remove(PATH, true));
    assertEquals(
        entry(IoUring.IORING_OP_UNLINKAT, 0, Fcntl.AT_FDCWD, 0, kept().address(), 0, Fcntl.AT_REMOVEDIR, rmdir), rmdir);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void twoNames_ofARenameOrALink_areBothKept(boolean rename) {
    Entry entry = encoded(rename ? new Operation.Rename(PATH, OTHER) : new Operation.Link(OTHER, PATH));
    assertEquals(
        entry(
            rename ? IoUring.IORING_OP_RENAMEAT : IoUring.IORING_OP_LINKAT,
            0,
            Fcntl.AT_FDCWD,
            entry.offset(),
            kept().address(),
            Fcntl.AT_FDCWD,
            0,
            entry),
        entry);
    assertEquals(PATH.toString(), keptName(entry.address()));
    assertEquals(OTHER.toString(), keptName(entry.offset()));
    assertEquals(0, kept().get(JAVA_BYTE, kept().byteSize() - 1));
  }

  @Test
  void opcode_ofWhatARingCannotRun_isNone() {
    for (Operation operation :
        List.of(
            new Operation.Room(FD, 0, 1),
            new Operation.TryLock(FD),
            new Operation.Unlock(FD),
            new Operation.ListDirectory(PATH, new ArrayList<>()),
            new Operation.RemoveTree(PATH))) {
      assertEquals(-1, SqeEncoder.opcode(operation), operation.name());
    }
    assertEquals(IoUring.IORING_OP_NOP, SqeEncoder.opcode(new Operation.Nop()));
  }

  @Test
  void takeResult_withoutMemoryOrOfAnError_changesNothing() {
    StatResult into = new StatResult();
    into.sizeBytes = 5;
    SqeEncoder.takeResult(new Operation.Stat(FD, into), null, 0);
    SqeEncoder.takeResult(new Operation.Stat(FD, into), memory, -1);
    assertEquals(5, into.sizeBytes);
    SqeEncoder.takeResult(new Operation.Stat(FD, into), memory, 0);
    assertEquals(0, into.sizeBytes);
    into.sizeBytes = 5;
    SqeEncoder.takeResult(new Operation.StatPath(PATH, true, into), memory, 0);
    assertEquals(0, into.sizeBytes);
  }
}
