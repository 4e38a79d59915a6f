package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Operation.Piece;
import dev.annulus.internal.driver.StandIn;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory of a confined arena: no thread but its owner may touch it, and {@code java.nio} holds to that. The owner therefore has a
 * copy of it transferred, waits, and copies back what was read. The copy's memory is freed at once: by {@link #copyBack}, or by {@link
 * #free} if the operation was not begun.
 */
final class ConfinedMemory {
  /** As for heap memory, so that direct I/O works. */
  private static final long ALIGNMENT = 4096;

  /** A thread that owns nothing. */
  private static final Thread SOMEBODY_ELSE = Thread.ofPlatform().unstarted(() -> {});

  private ConfinedMemory() {}

  /** Whether any of an operation's memory is confined to a thread. */
  static boolean isIn(Operation operation) {
    return switch (operation) {
      case Operation.Transfer transfer -> isConfined(transfer.memory());
      case Operation.ReadVector vector -> vector.pieces().stream().anyMatch(piece -> isConfined(piece.memory()));
      case Operation.WriteVector vector -> vector.pieces().stream().anyMatch(piece -> isConfined(piece.memory()));
      default -> false;
    };
  }

  private static boolean isConfined(Object memory) {
    return !Memory.whole(memory).isAccessibleBy(SOMEBODY_ELSE);
  }

  /** The operation on memory that every thread may touch, with the same contents if they are to be written. */
  static Operation standInFor(Operation operation) {
    return switch (operation) {
      case Operation.Read read -> {
        Copy copy = allocate(read.length());
        yield new Operation.PlainRead(read.fd(), copy, copy.address(), read.length(), read.offset());
      }
      case Operation.Write write -> {
        Copy copy = copyOf(write.memory(), write.address(), write.length());
        yield new Operation.PlainWrite(write.fd(), copy, copy.address(), write.length(), write.offset());
      }
      case Operation.ReadVector(int fd, List<Piece> pieces, long offset) ->
          new Operation.ReadVector(fd, standInsFor(pieces, false), offset);
      case Operation.WriteVector(int fd, List<Piece> pieces, long offset) ->
          new Operation.WriteVector(fd, standInsFor(pieces, true), offset);
      default -> throw new IllegalArgumentException("transfers nothing: " + operation);
    };
  }

  private static List<Piece> standInsFor(List<Piece> pieces, boolean withContents) {
    List<Piece> copies = new ArrayList<>(pieces.size());
    try {
      for (Piece piece : pieces) {
        Copy copy = withContents ? copyOf(piece.memory(), piece.address(), piece.length()) : allocate(piece.length());
        copies.add(new Piece(copy, copy.address(), piece.length()));
      }
      return copies;
    } catch (Throwable e) {
      copies.forEach(copy -> free(copy.memory()));
      throw e;
    }
  }

  private static Copy copyOf(Object memory, long address, int length) {
    MemorySegment part = Memory.part(memory, address, length);
    Copy copy = allocate(length);
    MemorySegment.copy(part, 0, copy.segment, 0, length);
    return copy;
  }

  @SuppressWarnings("MustBeClosedChecker") // closed by free
  private static Copy allocate(int length) {
    Arena arena = Arena.ofShared();
    try {
      return new Copy(arena, arena.allocate(length, ALIGNMENT));
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  /** Frees the memory of a stand-in that nothing touches any more. */
  static void free(Operation copy) {
    switch (copy) {
      case Operation.Transfer transfer -> free(transfer.memory());
      case Operation.ReadVector vector -> vector.pieces().forEach(piece -> free(piece.memory()));
      case Operation.WriteVector vector -> vector.pieces().forEach(piece -> free(piece.memory()));
      default -> {}
    }
  }

  private static void free(Object memory) {
    if (memory instanceof Copy copy) {
      copy.arena.close();
    }
  }

  /** Copies what was read to where the original wants it, and frees the copy; returns the result. */
  static int copyBack(Operation copy, Operation original, int result) {
    try {
      return copied(copy, original, result);
    } finally {
      free(copy);
    }
  }

  private static int copied(Operation copy, Operation original, int result) {
    if (result > 0 && copy instanceof Operation.Read from && original instanceof Operation.Read to) {
      copy(new Piece(from.memory(), from.address(), result), new Piece(to.memory(), to.address(), result));
    } else if (result > 0 && copy instanceof Operation.ReadVector from && original instanceof Operation.ReadVector to) {
      int left = result;
      for (int i = 0; left > 0; i++) {
        Piece piece = from.pieces().get(i);
        int here = Math.min(left, piece.length());
        copy(new Piece(piece.memory(), piece.address(), here), to.pieces().get(i));
        left -= here;
      }
    }
    return result;
  }

  private static void copy(Piece from, Piece to) {
    MemorySegment _ =
        Memory.part(to.memory(), to.address(), from.length())
            .copyFrom(Memory.part(from.memory(), from.address(), from.length()));
  }

  /** Memory of an arena of its own. */
  private record Copy(Arena arena, MemorySegment segment) implements StandIn {
    long address() {
      return segment.address();
    }
  }
}
