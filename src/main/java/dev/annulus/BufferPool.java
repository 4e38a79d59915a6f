package dev.annulus;

import dev.annulus.internal.driver.BriefLock;
import dev.annulus.internal.driver.StackRoom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A runtime's own native memory, lent to whoever needs a buffer: aligned to pages, as direct I/O wants it, and known to the kernel
 * beforehand (registered with the ring), where the limit on locked memory allows, so that it need not be looked up for each operation. See
 * {@link IoRuntime#buffers()}. Safe for use by many threads.
 *
 * <pre>{@code
 * try (BufferPool.Lease lease = runtime.buffers().lease(4096)) {
 *   int count = file.read(lease.buffer(), position).join();
 *   ...
 * }
 * }</pre>
 *
 * <p><b>Bounds.</b> There is so much memory and no more ({@link IoRuntime.Builder#bufferPool}); it is allocated, and registered, when it is
 * first needed. The runtime takes what stands in for heap buffers from it too. When none is left, {@link #lease} gives out a plain buffer of
 * its own, counted as {@link BufferPoolStats#exhausted}, rather than wait: a wait on the runtime's thread would be for itself. Who would
 * rather hold back asks with {@link #tryLease}.
 *
 * <p><b>The kernel's share.</b> A lease may be closed at any time, also when an operation of this runtime still uses its buffer, after a
 * cancellation for instance: the memory is lent again only when every such operation is {@linkplain IoFuture#released() over}, and never if
 * one was abandoned. Another runtime's operations are not seen: close the lease after them. An operation that is begun with a buffer of a
 * closed lease fails with {@link IllegalStateException}, unless the memory has been lent again by then, which nobody can see. Reading
 * and writing such a buffer oneself is not caught either, as long as the memory is there.
 *
 * <p><b>Its end.</b> The pool's memory is freed when the runtime is closed and no lease is left; a plain buffer of a lease's own when that
 * is closed and no operation of this runtime uses it. Buffers and segments that are still there then throw {@link IllegalStateException}.
 * A lease that is never closed is never freed.
 */
public final class BufferPool {
  static final int PAGE_BYTES = 4096;

  /** The kernel registers no more at a time. */
  static final int LARGEST_BYTES = 1 << 30;

  private final int capacityBytes;
  private final Consumer<MemorySegment> onAllocated;
  private final PlainLeases plain = new PlainLeases();
  private final LongAdder leases = new LongAdder();
  private final LongAdder exhausted = new LongAdder();

  /** Made when first needed; {@code null} before. */
  private volatile @Nullable Region region;

  /** Whether somebody makes the region, or has, or nobody will. Who comes meanwhile does without: the reaper may be among them. */
  private final AtomicBoolean begun;

  /**
   * @param capacityBytes rounded up to a power of two; 0 for a pool that lends nothing of its own
   * @param onAllocated is given the memory when it has been allocated
   */
  BufferPool(int capacityBytes, Consumer<MemorySegment> onAllocated) {
    this.capacityBytes = capacityBytes == 0 ? 0 : PAGE_BYTES << PageRuns.orderFor(Math.ceilDiv(capacityBytes, PAGE_BYTES));
    this.onAllocated = onAllocated;
    this.begun = new AtomicBoolean(capacityBytes == 0);
  }

  /**
   * Lends a buffer. Its contents are whatever was there before.
   *
   * @param bytes its size, more than 0; what is taken is the next power of two, at least 4096
   * @return a lease, to be closed; of a plain buffer if the pool has no room
   */
  public Lease lease(int bytes) {
    Lease lease = take(bytes);
    return lease != null ? lease : plain.lend(bytes);
  }

  /**
   * Lends a buffer if the pool has room.
   *
   * @param bytes its size, more than 0; what is taken is the next power of two, at least 4096
   * @return a lease, to be closed, or nothing
   */
  public Optional<Lease> tryLease(int bytes) {
    return Optional.ofNullable(take(bytes));
  }

  /**
   * How much the pool can lend in all.
   *
   * @return the bytes, a power of two; 0 if it was turned off
   */
  public int capacityBytes() {
    return capacityBytes;
  }

  /** A lease, or {@code null} and counted if there is no room. */
  @Nullable Lease take(int bytes) {
    if (bytes <= 0) {
      throw new IllegalArgumentException("bytes must be more than 0: " + bytes);
    }
    Region here = region == null ? allocated() : region;
    Lease lease = here == null ? null : here.take(bytes);
    try {
      (lease == null ? exhausted : leases).increment();
    } catch (VirtualMachineError e) {
      // It is not counted.
    }
    return lease;
  }

  /**
   * The lease that the memory at an address belongs to, or {@code null} if there is none.
   *
   * @throws IllegalStateException if it is the pool's, but not lent
   */
  @Nullable Lease leaseOf(long address) {
    Region here = region;
    Lease lease = here == null ? null : here.leaseOf(address);
    return lease == null ? plain.leaseOf(address) : lease;
  }

  /** Whether memory is the pool's, or was lent by it. */
  boolean holds(long address) {
    Region here = region;
    return (here != null && here.holds(address)) || plain.leaseOf(address) != null;
  }

  BufferPoolStats stats(long registeredBytes) {
    Region here = region;
    return new BufferPoolStats(capacityBytes, registeredBytes, here == null ? 0 : here.taken(), leases.sum(), exhausted.sum());
  }

  /** Whether its memory is there. It is made for the first who takes some, and goes with the runtime. */
  boolean isMade() {
    return region != null;
  }

  /** Lends nothing of the pool's any more, and frees that as soon as nothing of it is lent. The driver must have ended. */
  void close() {
    begun.set(true);
    Region here = region;
    if (here != null) {
      here.close();
    }
  }

  private @Nullable Region allocated() {
    if (begun.compareAndSet(false, true)) {
      try {
        Region made = new Region(capacityBytes);
        region = made;
        onAllocated.accept(made.memory);
      } catch (OutOfMemoryError e) {
        // The JVM's limit on native memory: small buffers may still be had one by one.
      } catch (StackOverflowError e) {
        begun.set(region != null); // the next who comes makes it
        throw e;
      }
    }
    return region;
  }

  /** Whose memory a lease is. */
  private interface Owner {
    /** The lease is closed, and no operation uses its memory. */
    void takeBack(Lease lease);
  }

  /** The leases with memory of their own, as long as it is not freed. */
  private static final class PlainLeases implements Owner {
    private final ConcurrentNavigableMap<Long, Lease> byAddress = new ConcurrentSkipListMap<>();

    @SuppressWarnings("MustBeClosedChecker") // closed when the lease's memory comes back
    Lease lend(int bytes) {
      Arena arena = Arena.ofShared();
      try {
        Lease lease = new Lease(this, arena, 0, arena.allocate(bytes, PAGE_BYTES));
        byAddress.put(lease.segment.address(), lease);
        return lease;
      } catch (Throwable e) {
        arena.close();
        throw e;
      }
    }

    @Nullable Lease leaseOf(long address) {
      if (byAddress.isEmpty()) {
        return null;
      }
      Map.Entry<Long, Lease> before = byAddress.floorEntry(address);
      return before != null && address - before.getKey() < before.getValue().segment.byteSize() ? before.getValue() : null;
    }

    @Override
    public void takeBack(Lease lease) {
      boolean _ = byAddress.remove(lease.segment.address(), lease);
      free(lease.arena);
    }
  }

  /** Once is enough. Somebody else, a channel of the JDK's say, may be using it at this moment: then it is not freed at all. */
  private static void free(@Nullable Arena arena) {
    if (arena != null && arena.scope().isAlive()) {
      try {
        arena.close();
      } catch (IllegalStateException e) {
        System.getLogger("dev.annulus").log(System.Logger.Level.WARNING, "a leased buffer is in use elsewhere and is not freed", e);
      }
    }
  }

  /** The memory, and whose each page is. */
  private static final class Region implements Owner {
    private static final VarHandle CUT;

    static {
      try {
        CUT = MethodHandles.lookup().findVarHandle(Region.class, "cut", Lease.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final long address;
    private final long bytes;

    /** The reaper takes and gives back too. */
    private final BriefLock lock = new BriefLock();

    // Guarded by the lock.
    private final PageRuns runs;
    private long takenBytes;
    private boolean closed;

    /**
     * Leases whose pages are taken, but which did not come to those who were to have them, for want of stack: chained by {@link Lease#cutBefore},
     * by stores alone. The next who comes gives them back.
     */
    private volatile @Nullable Lease cut;

    private final AtomicReferenceArray<@Nullable Lease> owners;

    Region(int capacityBytes) {
      int pages = capacityBytes / PAGE_BYTES;
      this.runs = new PageRuns(pages);
      this.owners = new AtomicReferenceArray<>(pages);
      try {
        this.memory = arena.allocate(capacityBytes, PAGE_BYTES);
      } catch (Throwable e) {
        arena.close();
        throw e;
      }
      this.address = memory.address();
      this.bytes = memory.byteSize();
    }

    void close() {
      lock.lock();
      try {
        if (closed) {
          return;
        }
        closed = true;
        if (takenBytes > 0) {
          return;
        }
      } finally {
        lock.held = false;
      }
      free(arena);
    }

    @Nullable Lease take(int wanted) {
      if (cut != null) {
        takeBackCut();
      }
      int order = PageRuns.orderFor(Math.ceilDiv(wanted, PAGE_BYTES));
      Lease lease = new Lease(this, null, order, MemorySegment.NULL);
      try {
        if (!takePages(lease)) {
          return null;
        }
        lease.segment = memory.asSlice((long) lease.page * PAGE_BYTES, wanted);
        own(lease.page, order, lease);
        return lease;
      } catch (Throwable e) {
        lease.cutBefore = cut;
        cut = lease;
        throw e;
      }
    }

    private boolean takePages(Lease lease) {
      lock.lock();
      try {
        int page = closed ? PageRuns.NONE : runs.take(lease.order);
        lease.page = page;
        takenBytes += page == PageRuns.NONE ? 0 : (long) PAGE_BYTES << lease.order;
        return page != PageRuns.NONE;
      } finally {
        lock.held = false;
      }
    }

    private void takeBackCut() {
      StackRoom.check(); // what is taken out of the chain is given back, or put there again
      Lease lease = (Lease) CUT.getAndSet(this, null);
      while (lease != null) {
        Lease before = lease.cutBefore;
        try {
          takeBack(lease);
        } catch (VirtualMachineError e) {
          lease.cutBefore = cut;
          cut = lease;
        }
        lease = before;
      }
    }

    /** May be called again, and does what was cut. */
    @Override
    public void takeBack(Lease lease) {
      if (lease.page != PageRuns.NONE) {
        own(lease.page, lease.order, null);
        givePages(lease);
      }
      if (isLast()) {
        free(arena);
      }
    }

    private void givePages(Lease lease) {
      lock.lock();
      try {
        runs.giveBack(lease.page, lease.order);
        takenBytes -= (long) PAGE_BYTES << lease.order;
        lease.page = PageRuns.NONE;
      } finally {
        lock.held = false;
      }
    }

    /** Whether the memory is to be freed. Once it is, {@link #free} does no harm. */
    private boolean isLast() {
      lock.lock();
      try {
        return closed && takenBytes == 0;
      } finally {
        lock.held = false;
      }
    }

    private void own(int page, int order, @Nullable Lease owner) {
      for (int i = page; i < page + (1 << order); i++) {
        owners.set(i, owner);
      }
    }

    boolean holds(long at) {
      return at >= address && at - address < bytes;
    }

    @Nullable Lease leaseOf(long at) {
      if (!holds(at)) {
        return null;
      }
      long offset = at - address;
      Lease lease = owners.get((int) (offset / PAGE_BYTES));
      if (lease == null) {
        throw Lease.closedException();
      }
      return lease;
    }

    long taken() {
      if (cut != null) {
        takeBackCut();
      }
      lock.lock();
      try {
        return takenBytes;
      } finally {
        lock.held = false;
      }
    }
  }

  /** A buffer that is lent until this is closed. */
  public static final class Lease implements AutoCloseable {
    /** Set in {@link #uses} once closed; the bits below count the operations that use the memory. */
    private static final int CLOSED = 1 << 31;

    private static final VarHandle GIVEN_BACK;

    static {
      try {
        GIVEN_BACK = MethodHandles.lookup().findVarHandle(Lease.class, "givenBack", boolean.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    private final Owner owner;

    /** Of memory that is this lease's alone. */
    private final @Nullable Arena arena;

    /** The first of its pages of the pool's, as long as it has them. */
    private int page = PageRuns.NONE;

    private final int order;

    /** Written before anybody has it. */
    private MemorySegment segment;

    /** As {@link Region#cut}. */
    private @Nullable Lease cutBefore;

    private final AtomicInteger uses = new AtomicInteger();

    /** Whether the memory is given back, or somebody is about it. */
    private volatile boolean givenBack;

    private @Nullable ByteBuffer buffer;

    private Lease(Owner owner, @Nullable Arena arena, int order, MemorySegment segment) {
      this.owner = owner;
      this.arena = arena;
      this.order = order;
      this.segment = segment;
    }

    /**
     * The memory as a buffer.
     *
     * @return the same one each time, with the position it has by now; at first all of it, in big-endian order
     * @throws IllegalStateException if the lease is closed
     */
    public synchronized ByteBuffer buffer() {
      checkOpen();
      ByteBuffer made = buffer;
      if (made == null) {
        made = segment.asByteBuffer();
        buffer = made;
      }
      return made;
    }

    /**
     * The memory as a segment.
     *
     * @return all of it
     * @throws IllegalStateException if the lease is closed
     */
    public MemorySegment segment() {
      checkOpen();
      return segment;
    }

    /**
     * Whether the memory is the pool's, not allocated for this lease because the pool had no room.
     *
     * @return whether it is
     */
    public boolean isPooled() {
      return arena == null;
    }

    /** Gives the buffer back, as soon as no operation uses it. Idempotent. */
    @Override
    public void close() {
      int _ = uses.getAndUpdate(now -> now | CLOSED);
      giveBackIfUnused();
    }

    /** An operation begins to use the memory. */
    void hold() {
      int before = uses.getAndUpdate(now -> now < 0 ? now : now + 1);
      if (before < 0) {
        throw closedException();
      }
    }

    /** An operation is over; {@link #giveBackIfUnused} must follow. */
    void letGo() {
      int _ = uses.decrementAndGet();
    }

    /** Gives the memory back if the lease is closed and nobody uses it. May be called again, and does what an error of the JVM has cut. */
    void giveBackIfUnused() {
      if (uses.get() == CLOSED && GIVEN_BACK.compareAndSet(this, false, true)) {
        try {
          owner.takeBack(this);
        } catch (Throwable e) {
          givenBack = false;
          throw e;
        }
      }
    }

    /** Some of its memory. */
    MemorySegment part(long address, long size) {
      return segment.asSlice(address - segment.address(), size);
    }

    /** What it is, for people who debug. */
    @Override
    public String toString() {
      int now = uses.get();
      return "Lease["
          + segment.byteSize()
          + " bytes at 0x"
          + Long.toHexString(segment.address())
          + (isPooled() ? "" : ", not the pool's")
          + (now < 0 ? ", closed" : "")
          + ", used by "
          + (now & ~CLOSED)
          + " operations]";
    }

    private void checkOpen() {
      if (uses.get() < 0) {
        throw closedException();
      }
    }

    private static IllegalStateException closedException() {
      return new IllegalStateException("the buffer's lease is closed; lease another");
    }
  }
}
