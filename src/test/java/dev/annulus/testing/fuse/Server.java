package dev.annulus.testing.fuse;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.testing.fuse.MemoryTree.Refusal;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Serves one mount: a few threads read requests from the device, ask what to do, and answer. A
 * request that hangs is put aside, so that the threads go on.
 */
public final class Server {
  private static final int THREADS = 4;
  private static final int PAGES = 256;
  private static final int MAX_WRITE = PAGES * 4096;
  private static final int BUFFER_BYTES = MAX_WRITE + 4096;

  /**
   * Requests nobody waits for one by one (read-ahead, write-back) that may be unanswered at once.
   */
  private static final int MAX_BACKGROUND = 4096;

  private final int device;
  private final int initFlags;
  private final MemoryTree tree;
  private final Handler decide;
  private final List<Thread> threads;

  private final Object lock = new Object();
  private final Map<Long, Pending> hanging = new LinkedHashMap<>();
  private final Set<Long> interrupted = new HashSet<>();
  private volatile @Nullable Throwable failure;

  /**
   * @param device a descriptor of {@code /dev/fuse} that is mounted
   * @param decide asked for the answer to each request
   */
  public Server(
      int device,
      boolean directIo,
      boolean asyncDirectIo,
      boolean writebackCache,
      Handler decide) {
    this.device = device;
    this.tree =
        new MemoryTree(directIo ? Wire.OPEN_DIRECT_IO | Wire.OPEN_PARALLEL_DIRECT_WRITES : 0);
    this.initFlags =
        Wire.INIT_ASYNC_READ
            | Wire.INIT_BIG_WRITES
            | Wire.INIT_PARALLEL_DIROPS
            | Wire.INIT_MAX_PAGES
            | (asyncDirectIo ? Wire.INIT_ASYNC_DIO : 0)
            | (writebackCache ? Wire.INIT_WRITEBACK_CACHE : 0);
    this.decide = decide;
    this.threads =
        IntStream.range(0, THREADS)
            .mapToObj(i -> Thread.ofPlatform().daemon().name("annulus-faulty-" + i))
            .map(builder -> builder.unstarted(this::serve))
            .toList();
  }

  public void start() {
    threads.forEach(Thread::start);
  }

  /** Waits for the threads, which end when the mount has; false if they do not. */
  public boolean join(Duration patience) throws InterruptedException {
    for (Thread thread : threads) {
      if (!thread.join(patience)) {
        return false;
      }
    }
    return true;
  }

  /** What a handler threw, if one did. */
  public @Nullable Throwable failure() {
    return failure;
  }

  public List<Request> hanging() {
    synchronized (lock) {
      return hanging.values().stream().map(Pending::request).toList();
    }
  }

  /** Answers the hanging requests that are chosen, in the order they came. */
  public int release(Predicate<Request> chosen) {
    List<Pending> released = new ArrayList<>();
    synchronized (lock) {
      for (Pending pending : List.copyOf(hanging.values())) {
        if (chosen.test(pending.request())) {
          hanging.remove(pending.message().unique());
          released.add(pending);
        }
      }
    }
    released.forEach(pending -> answer(pending.message(), pending.hang().released()));
    return released.size();
  }

  private void serve() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(BUFFER_BYTES, Long.BYTES);
      while (true) {
        int count = Syscalls.read(device, buffer.address(), BUFFER_BYTES);
        if (count > 0) {
          take(new Message(buffer.asSlice(0, count).toArray(JAVA_BYTE)));
        } else if (count != -Errno.EINTR && count != -Errno.ENOENT && count != -Errno.EAGAIN) {
          return; // ENODEV: it is unmounted.
        }
      }
    }
  }

  private void take(Message message) {
    switch (message.opcode()) {
      case Wire.OPCODE_INIT -> initialise(message);
      case Wire.OPCODE_INTERRUPT -> interrupt(message.longAt(0));
      case Wire.OPCODE_FORGET, Wire.OPCODE_BATCH_FORGET -> {}
      case Wire.OPCODE_DESTROY -> send(message, 0, Wire.buffer(0));
      default -> ask(message);
    }
  }

  private void initialise(Message message) {
    int flags = message.intAt(12) & initFlags;
    send(message, 0, Wire.initialised(message.intAt(8), flags, MAX_BACKGROUND, MAX_WRITE, PAGES));
  }

  private void ask(Message message) {
    Request request;
    Reply reply;
    try {
      request = tree.describe(message);
      reply = decide.answer(request);
    } catch (Throwable e) {
      failure = e;
      send(message, Errno.EIO, Wire.buffer(0));
      return;
    }
    if (reply instanceof Reply.Hang hang) {
      suspend(new Pending(message, request, hang));
    } else {
      answer(message, reply);
    }
  }

  private void suspend(Pending pending) {
    Reply now = null;
    synchronized (lock) {
      if (interrupted.remove(pending.message().unique())) {
        now = pending.hang().interrupted();
      }
      if (now == null) {
        hanging.put(pending.message().unique(), pending);
      }
    }
    if (now != null) {
      answer(pending.message(), now);
    }
  }

  /** An interrupt may overtake the request it is for. One that comes too late is forgotten. */
  private void interrupt(long unique) {
    Pending found;
    synchronized (lock) {
      found = hanging.get(unique);
      if (found == null) {
        interrupted.add(unique);
        return;
      }
      if (found.hang().interrupted() != null) {
        hanging.remove(unique);
      }
    }
    Reply reply = found.hang().interrupted();
    if (reply != null) {
      answer(found.message(), reply);
    }
  }

  private void answer(Message message, Reply reply) {
    try {
      switch (reply) {
        case Reply.Pass _ -> send(message, 0, tree.perform(message, Integer.MAX_VALUE));
        case Reply.AtMost(int bytes) -> send(message, 0, tree.perform(message, bytes));
        case Reply.Pretence _ -> send(message, 0, pretended(message));
        case Reply.Failure(int errno, boolean after) -> {
          if (after) {
            var _ = tree.perform(message, Integer.MAX_VALUE);
          }
          send(message, errno, Wire.buffer(0));
        }
        case Reply.Hang _ -> throw new IllegalArgumentException("a hang within a hang");
      }
    } catch (Refusal e) {
      send(message, e.errno, Wire.buffer(0));
    } catch (Throwable e) {
      failure = e;
      send(message, Errno.EIO, Wire.buffer(0));
    }
  }

  private static ByteBuffer pretended(Message message) {
    return Request.Kind.of(message.opcode()) == Request.Kind.WRITE
        ? Wire.written(message.intAt(16))
        : Wire.buffer(0);
  }

  /** Answers; what cannot be sent is for a request that has ended, or a mount. */
  private void send(Message message, int errno, ByteBuffer body) {
    body.rewind();
    int length = Wire.OUT_HEADER + body.remaining();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(length, Long.BYTES);
      ByteBuffer out = memory.asByteBuffer().order(ByteOrder.nativeOrder());
      out.putInt(length).putInt(-errno).putLong(message.unique()).put(body);
      int _ = Syscalls.write(device, memory.address(), length);
    }
  }
}
