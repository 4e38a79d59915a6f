package dev.annulus.adapter.nio;

import static dev.annulus.adapter.nio.ScenarioArguments.direct;
import static dev.annulus.adapter.nio.ScenarioArguments.none;
import static dev.annulus.adapter.nio.ScenarioArguments.text;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** Calls on asynchronous file channels, with futures and with handlers: what they come to must not depend on whose channel it is. */
@SuppressWarnings("ReferenceEquality") // that a call returns this very channel
enum AsynchronousScenario {
  READING {
    @Override
    void play(Lab lab) throws IOException {
      AsynchronousFileChannel channel = lab.openAsynchronous(lab.file("f", "0123456789"), READ);
      for (long place : new long[] {0, 4, 9, 10, 11, -1, Long.MIN_VALUE, 1L << 40}) {
        ByteBuffer heap = ByteBuffer.allocate(3);
        ByteBuffer direct = ByteBuffer.allocateDirect(4).position(1);
        sayBoth(lab, "read at " + place, () -> channel.read(heap, place), to -> channel.read(direct, place, to, new ToFuture<>()));
        lab.say("heap", heap);
        lab.say("direct", direct);
        ByteBuffer empty = ByteBuffer.allocate(0);
        sayBoth(lab, "nothing", () -> channel.read(empty, place), to -> channel.read(empty, place, to, new ToFuture<>()));
        ByteBuffer fixed = ByteBuffer.allocate(2).asReadOnlyBuffer();
        sayBoth(lab, "read-only", () -> channel.read(fixed, place), to -> channel.read(fixed, place, to, new ToFuture<>()));
        sayBoth(lab, "null", () -> channel.read(none(), place), to -> channel.read(none(), place, to, new ToFuture<>()));
        lab.say("no handler", () -> returned(() -> channel.read(ByteBuffer.allocate(1), place, null, none())));
      }
    }
  },
  WRITING {
    @Override
    void play(Lab lab) throws IOException {
      AsynchronousFileChannel channel = lab.openAsynchronous(lab.file("f", "0123456789"), WRITE);
      for (long place : new long[] {0, 4, 9, 14, -1, Long.MIN_VALUE, Long.MAX_VALUE - 1, Long.MAX_VALUE}) {
        ByteBuffer heap = text("ab").asReadOnlyBuffer();
        ByteBuffer direct = direct("cd").position(1);
        sayBoth(lab, "write at " + place, () -> channel.write(heap, place), to -> channel.write(direct, place, to, new ToFuture<>()));
        lab.say("heap", heap);
        lab.say("direct", direct);
        ByteBuffer empty = ByteBuffer.allocate(0);
        sayBoth(lab, "nothing", () -> channel.write(empty, place), to -> channel.write(empty, place, to, new ToFuture<>()));
        sayBoth(lab, "null", () -> channel.write(none(), place), to -> channel.write(none(), place, to, new ToFuture<>()));
        lab.say("no handler", () -> returned(() -> channel.write(text("x"), place, null, none())));
        lab.say("size", channel::size);
      }
    }
  },
  EVERY_METHOD_IN_EVERY_MODE {
    @Override
    void play(Lab lab) throws IOException {
      for (OpenOption[] options : MODES) {
        lab.say("mode", List.of(options).toString());
        try (AsynchronousFileChannel channel = lab.openAsynchronous(lab.file("f", "0123456789"), options)) {
          everyMethod(lab, channel);
        }
      }
    }
  },
  EVERY_METHOD_WHEN_CLOSED {
    @Override
    void play(Lab lab) throws IOException {
      for (OpenOption[] options : MODES) {
        lab.say("mode", List.of(options).toString());
        AsynchronousFileChannel channel = lab.openAsynchronous(lab.file("f", "0123456789"), options);
        lab.say("open", channel::isOpen);
        channel.close();
        channel.close();
        lab.say("open", channel::isOpen);
        everyMethod(lab, channel);
      }
    }
  },
  LOCKS {
    @Override
    void play(Lab lab) throws IOException {
      Path path = lab.file("f", "0123456789");
      AsynchronousFileChannel one = lab.openAsynchronous(path, READ, WRITE);
      AsynchronousFileChannel other = lab.openAsynchronous(path, READ, WRITE);
      FileLock whole = lab.say("whole", () -> got(one.lock()));
      lab.say("of this channel", () -> whole != null && whole.acquiredBy() == one && whole.channel() == null);
      sayBoth(lab, "overlap by the same", () -> one.lock(3, 1, false), to -> one.lock(3, 1, false, to, new ToFuture<>()));
      sayBoth(lab, "overlap by another", () -> other.lock(3, 1, true), to -> other.lock(3, 1, true, to, new ToFuture<>()));
      lab.say("overlap that is tried", () -> other.tryLock(3, 1, true));
      lab.say("no handler", () -> returned(() -> other.lock(3, 1, true, null, none())));
      if (whole != null) {
        whole.release();
        whole.release();
        lab.say("valid", whole::isValid);
      }
      FileLock first = lab.say("range", () -> got(one.lock(0, 5, false)));
      FileLock second = lab.say("range beside it", () -> other.tryLock(5, 5, true));
      sayBoth(lab, "far ranges", () -> one.lock(1L << 40, 1, true), to -> one.lock(1L << 41, 0, true, to, new ToFuture<>()));
      one.close();
      lab.say("valid", () -> first != null && first.isValid());
      lab.say("other valid", () -> second != null && second.isValid());
      lab.say("release when closed", () -> returned(first == null ? () -> {} : first::release));
      lab.say("free again", () -> other.tryLock(0, 5, true));
    }
  },
  LOCKS_THAT_ARE_NONE {
    @Override
    void play(Lab lab) throws IOException {
      AsynchronousFileChannel channel = lab.openAsynchronous(lab.file("f", "0123456789"), READ, WRITE);
      for (long position : new long[] {-1, 0, 5, Long.MAX_VALUE}) {
        for (long size : new long[] {-1, 0, 1, Long.MAX_VALUE}) {
          String what = position + "+" + size;
          FileLock waited = lab.say("lock " + what, () -> got(channel.lock(position, size, true)));
          release(waited);
          FileLock tried = lab.say("tryLock " + what, () -> channel.tryLock(position, size, false));
          release(tried);
        }
      }
    }
  },
  OPENING {
    @Override
    void play(Lab lab) throws IOException {
      Path there = lab.file("f", "0123456789");
      Path dir = Files.createDirectory(lab.path("d"));
      lab.say("missing", () -> lab.openAsynchronous(lab.path("none")));
      lab.say("there already", () -> lab.openAsynchronous(there, CREATE_NEW, WRITE));
      lab.say("directory, to write", () -> lab.openAsynchronous(dir, WRITE));
      lab.say("append", () -> lab.openAsynchronous(there, APPEND));
      lab.say("append to nothing", () -> lab.openAsynchronous(lab.path("none"), APPEND, CREATE));
      lab.say("append and truncate", () -> lab.openAsynchronous(there, APPEND, TRUNCATE_EXISTING));
      lab.say("strange option", () -> lab.openAsynchronous(there, READ, new OpenOption() {}));
      lab.say("null path", () -> lab.openAsynchronous(none(), READ));
      lab.say("null option", () -> lab.openAsynchronous(there, READ, none()));
      AsynchronousFileChannel directory = lab.openAsynchronous(dir, READ);
      ByteBuffer buffer = ByteBuffer.allocate(1);
      sayBoth(lab, "reading a directory", () -> directory.read(buffer, 0), to -> directory.read(buffer, 0, to, new ToFuture<>()));
    }
  };

  private static final OpenOption[][] MODES = {{READ}, {WRITE}, {READ, WRITE}, {}};

  abstract void play(Lab lab) throws IOException;

  /** A call that returns a future. */
  private interface WithFuture<T> {
    Future<T> call() throws IOException;
  }

  /** The same call with a handler, which is to complete the future. */
  private interface WithHandler<T> {
    void call(CompletableFuture<T> to) throws IOException;
  }

  private interface Action {
    void run() throws IOException;
  }

  private static void everyMethod(Lab lab, AsynchronousFileChannel channel) {
    sayBoth(lab, "read", () -> channel.read(ByteBuffer.allocate(2), 1), to -> channel.read(ByteBuffer.allocate(2), 1, to, new ToFuture<>()));
    sayBoth(lab, "read nothing", () -> channel.read(text(""), 1), to -> channel.read(text(""), 1, to, new ToFuture<>()));
    sayBoth(lab, "read negative", () -> channel.read(text("x"), -1), to -> channel.read(text("x"), -1, to, new ToFuture<>()));
    sayBoth(lab, "write", () -> channel.write(text("ab"), 1), to -> channel.write(text("ab"), 4, to, new ToFuture<>()));
    sayBoth(lab, "write nothing", () -> channel.write(text(""), 1), to -> channel.write(text(""), 4, to, new ToFuture<>()));
    sayBoth(lab, "write negative", () -> channel.write(text("x"), -1), to -> channel.write(text("x"), -1, to, new ToFuture<>()));
    lab.say("size", channel::size);
    for (long size : new long[] {-1, 20, 8}) {
      lab.say("truncate to " + size, () -> channel.truncate(size) == channel);
    }
    lab.say("force", () -> returned(() -> channel.force(true)));
    lab.say("force data", () -> returned(() -> channel.force(false)));
    for (boolean shared : new boolean[] {true, false}) {
      lab.say("try " + shared, () -> release(channel.tryLock(0, 1, shared)));
      lab.say("try bad range " + shared, () -> release(channel.tryLock(-1, 1, shared)));
      lab.say("lock " + shared, () -> release(got(channel.lock(2, 1, shared))));
      lab.say("lock with handler " + shared, () -> {
        CompletableFuture<FileLock> lock = new CompletableFuture<>();
        channel.lock(4, 1, shared, lock, new ToFuture<>());
        return release(got(lock));
      });
    }
  }

  private static <T> void sayBoth(Lab lab, String what, WithFuture<T> withFuture, WithHandler<T> withHandler) {
    lab.say(what + ", future", () -> got(withFuture.call()));
    lab.say(what + ", handler", () -> {
      CompletableFuture<T> to = new CompletableFuture<>();
      withHandler.call(to);
      return got(to);
    });
  }

  private static <T> T got(Future<T> future) throws Exception {
    return future.get(20, SECONDS);
  }

  private static String returned(Action action) throws IOException {
    action.run();
    return "returned";
  }

  private static @Nullable String release(@Nullable FileLock lock) throws IOException {
    return lock == null ? null : returned(lock::release);
  }
}
