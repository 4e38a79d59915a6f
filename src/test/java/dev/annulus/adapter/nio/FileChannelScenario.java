package dev.annulus.adapter.nio;

import static dev.annulus.adapter.nio.ScenarioArguments.closed;
import static dev.annulus.adapter.nio.ScenarioArguments.direct;
import static dev.annulus.adapter.nio.ScenarioArguments.failing;
import static dev.annulus.adapter.nio.ScenarioArguments.none;
import static dev.annulus.adapter.nio.ScenarioArguments.slice;
import static dev.annulus.adapter.nio.ScenarioArguments.source;
import static dev.annulus.adapter.nio.ScenarioArguments.text;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.DELETE_ON_CLOSE;
import static java.nio.file.StandardOpenOption.DSYNC;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.SYNC;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Calls on file channels: what they come to must not depend on whose channel it is. */
@SuppressWarnings("ReferenceEquality") // that a call returns this very channel
enum FileChannelScenario {
  READ_AT_THE_POSITION {
    @Override
    void play(Lab lab) throws IOException {
      FileChannel channel = lab.open(lab.file("f", "0123456789"), READ);
      for (ByteBuffer buffer : List.of(ByteBuffer.allocate(3), ByteBuffer.allocateDirect(4), slice(ByteBuffer.allocate(9)))) {
        lab.say("read", () -> channel.read(buffer));
        lab.say("buffer", buffer);
        lab.say("position", channel::position);
      }
      lab.say("past the end", () -> channel.read(ByteBuffer.allocate(3)));
      lab.say("nothing at the end", () -> channel.read(ByteBuffer.allocate(0)));
      lab.say("position", channel::position);
      lab.say("read-only", () -> channel.read(ByteBuffer.allocate(3).asReadOnlyBuffer()));
      lab.say("read-only and full", () -> channel.read(ByteBuffer.allocate(0).asReadOnlyBuffer()));
      lab.say("null", () -> channel.read((ByteBuffer) none()));
    }
  },
  READ_AT_A_PLACE {
    @Override
    void play(Lab lab) throws IOException {
      FileChannel channel = lab.open(lab.file("f", "0123456789"), READ);
      for (long place : new long[] {0, 4, 9, 10, 11, -1, Long.MIN_VALUE, 1L << 40, Long.MAX_VALUE - 4, Long.MAX_VALUE}) {
        for (ByteBuffer buffer : List.of(ByteBuffer.allocate(3), ByteBuffer.allocateDirect(4), slice(ByteBuffer.allocateDirect(9)))) {
          if (place <= 1L << 40) { // beyond, how much may be said depends on the file system
            lab.say("read at " + place, () -> channel.read(buffer, place));
          }
          lab.say("buffer", buffer);
        }
        lab.say("read-only at " + place, () -> channel.read(ByteBuffer.allocate(3).asReadOnlyBuffer(), place));
        lab.say("null at " + place, () -> channel.read((ByteBuffer) none(), place));
      }
      lab.say("nothing", () -> channel.read(ByteBuffer.allocate(0), 3));
      lab.say("nothing past the end", () -> channel.read(ByteBuffer.allocate(0), 30));
      lab.say("position", channel::position);
    }
  },
  SCATTER {
    @Override
    void play(Lab lab) throws IOException {
      FileChannel channel = lab.open(lab.file("f", "0123456789"), READ);
      ByteBuffer[] buffers = {
        ByteBuffer.allocate(1), ByteBuffer.allocate(0), ByteBuffer.allocateDirect(2), slice(ByteBuffer.allocate(8)), ByteBuffer.allocate(5)
      };
      lab.say("two of them", () -> channel.read(buffers, 1, 2));
      lab.say("all", () -> channel.read(buffers));
      lab.say("the rest", () -> channel.read(buffers));
      lab.say("at the end", () -> channel.read(new ByteBuffer[] {ByteBuffer.allocate(1)}));
      lab.say("full ones at the end", () -> channel.read(new ByteBuffer[] {ByteBuffer.allocate(0)}));
      for (ByteBuffer buffer : buffers) {
        lab.say("buffer", buffer);
      }
      lab.say("position", channel::position);
      channel.position(0);
      lab.say("none", () -> channel.read(new ByteBuffer[0]));
      lab.say("none of some", () -> channel.read(buffers, 2, 0));
      lab.say("offset past the array", () -> channel.read(buffers, 6, 0));
      lab.say("length past the array", () -> channel.read(buffers, 1, 5));
      lab.say("negative offset", () -> channel.read(buffers, -1, 1));
      lab.say("negative length", () -> channel.read(buffers, 1, -1));
      lab.say("null array", () -> channel.read((ByteBuffer[]) none()));
      lab.say("null in array", () -> channel.read(new ByteBuffer[] {none()}));
      lab.say("null not used", () -> channel.read(new ByteBuffer[] {none(), ByteBuffer.allocate(1)}, 1, 1));
      lab.say("read-only", () -> channel.read(new ByteBuffer[] {ByteBuffer.allocate(1), ByteBuffer.allocate(1).asReadOnlyBuffer()}));
      lab.say("read-only and full", () -> channel.read(new ByteBuffer[] {ByteBuffer.allocate(0).asReadOnlyBuffer()}));
      lab.say("position", channel::position);
    }
  },
  WRITE_AT_THE_POSITION {
    @Override
    void play(Lab lab) throws IOException {
      FileChannel channel = lab.open(lab.file("f", "0123456789"), WRITE);
      for (ByteBuffer buffer : List.of(text("ab"), direct("cde"), slice(text("xfgx")), text("hi").asReadOnlyBuffer())) {
        lab.say("write", () -> channel.write(buffer));
        lab.say("buffer", buffer);
        lab.say("position", channel::position);
      }
      lab.say("nothing", () -> channel.write(text("")));
      lab.say("null", () -> channel.write((ByteBuffer) none()));
      lab.say("seek past the end", () -> channel.position(15));
      lab.say("size", channel::size);
      lab.say("nothing there", () -> channel.write(text("")));
      lab.say("size", channel::size);
      lab.say("write", () -> channel.write(text("end")));
      lab.say("size", channel::size);
    }
  },
  WRITE_AT_A_PLACE {
    @Override
    void play(Lab lab) throws IOException {
      FileChannel channel = lab.open(lab.file("f", "0123456789"), READ, WRITE);
      for (long place : new long[] {0, 4, 9, 14, -1, Long.MIN_VALUE, Long.MAX_VALUE - 1, Long.MAX_VALUE}) {
        ByteBuffer buffer = slice(direct("xyzyx"));
        lab.say("write at " + place, () -> channel.write(buffer, place));
        lab.say("buffer", buffer);
        lab.say("heap at " + place, () -> channel.write(text("~"), place));
        lab.say("null at " + place, () -> channel.write((ByteBuffer) none(), place));
      }
      lab.say("nothing", () -> channel.write(text(""), 100));
      lab.say("size", channel::size);
      lab.say("position", channel::position);
    }
  },
  GATHER {
    @Override
    void play(Lab lab) throws IOException {
      FileChannel channel = lab.open(lab.file("f", "0123456789"), READ, WRITE);
      channel.position(2);
      ByteBuffer[] buffers = {text("a"), text(""), direct("bc"), slice(text("(def)")), text("g").asReadOnlyBuffer()};
      lab.say("two of them", () -> channel.write(buffers, 1, 2));
      lab.say("all", () -> channel.write(buffers));
      lab.say("again", () -> channel.write(buffers));
      for (ByteBuffer buffer : buffers) {
        lab.say("buffer", buffer);
      }
      lab.say("position", channel::position);
      lab.say("none", () -> channel.write(new ByteBuffer[0]));
      lab.say("offset past the array", () -> channel.write(buffers, 6, 0));
      lab.say("length past the array", () -> channel.write(buffers, 1, 5));
      lab.say("negative offset", () -> channel.write(buffers, -1, 1));
      lab.say("negative length", () -> channel.write(buffers, 1, -1));
      lab.say("null array", () -> channel.write((ByteBuffer[]) none()));
      lab.say("null in array", () -> channel.write(new ByteBuffer[] {none()}));
      ByteBuffer[] many = new ByteBuffer[1500];
      for (int i = 0; i < many.length; i++) {
        many[i] = text(String.valueOf((char) ('a' + i % 26)));
      }
      lab.say("more than the system takes at once", () -> channel.write(many));
      lab.say("position", channel::position);
    }
  },
  POSITION_AND_SIZE {
    @Override
    void play(Lab lab) throws IOException {
      FileChannel channel = lab.open(lab.file("f", "0123456789"), READ, WRITE);
      for (long to : new long[] {3, 0, 10, 12, 1L << 33, -1, Long.MIN_VALUE}) {
        lab.say("to " + to, () -> channel.position(to) == channel);
        lab.say("position", channel::position);
        lab.say("size", channel::size);
        lab.say("read", () -> channel.read(ByteBuffer.allocate(2)));
        lab.say("position", channel::position);
      }
    }
  },
  TRUNCATE {
    @Override
    void play(Lab lab) throws IOException {
      FileChannel channel = lab.open(lab.file("f", "0123456789"), READ, WRITE);
      for (long at : new long[] {2, 10, 30}) {
        for (long to : new long[] {50, 10, 9, 5, 2, 1, 0, -1, Long.MAX_VALUE}) {
          lab.say("fill", () -> channel.write(text("0123456789"), 0));
          channel.position(at);
          lab.say("from " + at + " to " + to, () -> channel.truncate(to) == channel);
          lab.say("size", channel::size);
          lab.say("position", channel::position);
        }
      }
    }
  },
  APPENDING {
    @Override
    void play(Lab lab) throws IOException {
      FileChannel channel = lab.open(lab.file("f", "0123456789"), APPEND);
      lab.say("position", channel::position);
      lab.say("write", () -> channel.write(text("abc")));
      lab.say("position", channel::position);
      lab.say("seek", () -> channel.position(2) == channel);
      lab.say("position", channel::position);
      lab.say("write", () -> channel.write(direct("def")));
      lab.say("write at a place", () -> channel.write(text("ghi"), 1));
      lab.say("write at a negative place", () -> channel.write(text("ghi"), -1));
      lab.say("gather", () -> channel.write(new ByteBuffer[] {text("j"), text("k")}));
      lab.say("position", channel::position);
      lab.say("truncate", () -> channel.truncate(12) == channel);
      lab.say("position", channel::position);
      lab.say("transferFrom", () -> channel.transferFrom(source("lmn"), 3, 9));
      lab.say("read", () -> channel.read(ByteBuffer.allocate(1)));
      lab.say("size", channel::size);
    }
  },
  EVERY_METHOD_IN_EVERY_MODE {
    @Override
    void play(Lab lab) throws IOException {
      for (OpenOption[] options : MODES) {
        lab.say("mode", List.of(options).toString());
        FileChannel channel = lab.open(lab.file("f" + options.length, "0123456789"), options);
        everyMethod(lab, channel);
        channel.close();
      }
    }
  },
  EVERY_METHOD_WHEN_CLOSED {
    @Override
    void play(Lab lab) throws IOException {
      for (OpenOption[] options : MODES) {
        lab.say("mode", List.of(options).toString());
        FileChannel channel = lab.open(lab.file("f" + options.length, "0123456789"), options);
        lab.say("open", channel::isOpen);
        channel.close();
        lab.say("open", channel::isOpen);
        everyMethod(lab, channel);
        channel.close();
      }
    }
  },
  EVERY_METHOD_WITH_BAD_ARGUMENTS {
    @Override
    void play(Lab lab) throws IOException {
      for (OpenOption[] options : MODES) {
        lab.say("mode", List.of(options).toString());
        FileChannel channel = lab.open(lab.file("f" + options.length, "0123456789"), options);
        badArguments(lab, channel);
        channel.close();
        badArguments(lab, channel);
      }
    }
  },
  TRANSFER_TO {
    @Override
    void play(Lab lab) throws IOException {
      FileChannel channel = lab.open(lab.file("f", "0123456789"), READ, WRITE);
      for (long[] range : RANGES) {
        ScenarioArguments.Sink sink = new ScenarioArguments.Sink(Integer.MAX_VALUE, Integer.MAX_VALUE);
        lab.say("to a stream", () -> channel.transferTo(range[0], range[1], sink));
        lab.say("there", sink.text());
        FileChannel other = lab.open(lab.path("same"), CREATE, WRITE, TRUNCATE_EXISTING);
        lab.say("to one of the same make", () -> channel.transferTo(range[0], range[1], other));
        lab.say("its position", other::position);
        lab.say("there", Lab.contents(lab.path("same")));
        other.close();
        try (FileChannel jdk = FileChannel.open(lab.path("jdk"), CREATE, WRITE, TRUNCATE_EXISTING)) {
          lab.say("to one of the JDK", () -> channel.transferTo(range[0], range[1], jdk));
          lab.say("its position", jdk::position);
          lab.say("there", Lab.contents(lab.path("jdk")));
        }
        FileChannel appender = lab.open(lab.path("append"), CREATE, APPEND);
        lab.say("to one that appends", () -> channel.transferTo(range[0], range[1], appender));
        appender.close();
        lab.say("position", channel::position);
      }
      lab.say("to itself", () -> channel.position(20).transferTo(1, 4, channel));
      lab.say("to one that takes little", () -> channel.transferTo(1, 8, new ScenarioArguments.Sink(3, Integer.MAX_VALUE)));
      lab.say("to one that fails", () -> channel.transferTo(1, 8, new ScenarioArguments.Sink(3, 0)));
    }
  },
  TRANSFER_TO_WHAT_CANNOT_TAKE {
    @Override
    void play(Lab lab) throws IOException {
      FileChannel channel = lab.open(lab.file("f", "0123456789"), READ);
      FileChannel closed = lab.open(lab.file("g", ""), WRITE);
      closed.close();
      FileChannel unwritable = lab.open(lab.path("g"), READ);
      for (long position : new long[] {0, 5, 10, 11, -1}) {
        for (long count : new long[] {0, 5, -1}) {
          String what = " " + position + "+" + count;
          lab.say("closed" + what, () -> channel.transferTo(position, count, closed));
          lab.say("not writable" + what, () -> channel.transferTo(position, count, unwritable));
          lab.say("closed stream" + what, () -> channel.transferTo(position, count, closed(new ScenarioArguments.Sink(9, 9))));
          lab.say("null" + what, () -> channel.transferTo(position, count, none()));
          try (FileChannel jdk = FileChannel.open(lab.path("g"), READ)) {
            lab.say("JDK's, not writable" + what, () -> channel.transferTo(position, count, jdk));
          }
        }
      }
    }
  },
  TRANSFER_FROM {
    @Override
    void play(Lab lab) throws IOException {
      for (long[] range : RANGES) {
        String what = " " + range[0] + "+" + range[1];
        FileChannel channel = lab.open(lab.file("f", "0123456789"), READ, WRITE);
        ReadableByteChannel source = source("abcdefgh");
        lab.say("from a stream" + what, () -> channel.transferFrom(source, range[0], range[1]));
        lab.say("rest of it", () -> source.read(ByteBuffer.allocate(100)));
        lab.say("there", Lab.contents(lab.path("f")));
        FileChannel other = lab.open(lab.file("same", "ABCDEFGH"), READ);
        other.position(1);
        lab.say("from one of the same make" + what, () -> channel.transferFrom(other, range[0], range[1]));
        lab.say("its position", other::position);
        lab.say("there", Lab.contents(lab.path("f")));
        try (FileChannel jdk = FileChannel.open(lab.file("jdk", "stuvwxyz"), READ)) {
          jdk.position(2);
          lab.say("from one of the JDK" + what, () -> channel.transferFrom(jdk, range[0], range[1]));
          lab.say("its position", jdk::position);
        }
        lab.say("position", channel::position);
        channel.close();
      }
      FileChannel channel = lab.open(lab.file("f", "0123456789"), READ, WRITE);
      lab.say("from itself", () -> channel.position(1).transferFrom(channel, 20, 4));
      lab.say("from one that has nothing now", () -> channel.transferFrom(source(""), 0, 4));
      lab.say("from one that fails at once", () -> channel.transferFrom(failing(0), 0, 4));
      lab.say("from one that fails later", () -> channel.transferFrom(failing(2), 0, 4));
    }
  },
  TRANSFER_FROM_WHAT_CANNOT_GIVE {
    @Override
    void play(Lab lab) throws IOException {
      FileChannel channel = lab.open(lab.file("f", "0123456789"), WRITE);
      FileChannel closed = lab.open(lab.file("g", "x"), READ);
      closed.close();
      FileChannel unreadable = lab.open(lab.path("g"), WRITE);
      for (long position : new long[] {0, 5, 10, 11, -1}) {
        for (long count : new long[] {0, 5, -1}) {
          String what = " " + position + "+" + count;
          lab.say("closed" + what, () -> channel.transferFrom(closed, position, count));
          lab.say("not readable" + what, () -> channel.transferFrom(unreadable, position, count));
          lab.say("null" + what, () -> channel.transferFrom(none(), position, count));
          try (FileChannel jdk = FileChannel.open(lab.path("g"), WRITE)) {
            lab.say("JDK's, not readable" + what, () -> channel.transferFrom(jdk, position, count));
          }
        }
      }
    }
  },
  LARGE_TRANSFERS {
    @Override
    void play(Lab lab) throws IOException {
      String large = "0123456789abcdef".repeat(60_000);
      FileChannel channel = lab.open(lab.file("f", large), READ);
      FileChannel copy = lab.open(lab.path("copy"), CREATE, READ, WRITE);
      lab.say("to", () -> channel.transferTo(7, 900_001, copy));
      lab.say("from", () -> copy.transferFrom(channel, 900_001, 50_000));
      lab.say("position", channel::position);
      lab.say("size", copy::size);
    }
  },
  LOCKS {
    @Override
    void play(Lab lab) throws IOException {
      Path path = lab.file("f", "0123456789");
      FileChannel one = lab.open(path, READ, WRITE);
      FileChannel other = lab.open(path, READ, WRITE);
      FileLock whole = lab.say("whole", () -> one.tryLock());
      lab.say("of this channel", () -> whole != null && whole.channel() == one && whole.acquiredBy() == one);
      lab.say("overlap by the same", () -> one.tryLock(3, 1, false));
      lab.say("overlap by another", () -> other.tryLock(3, 1, true));
      lab.say("overlap by another that waits", () -> other.lock(3, 1, true));
      lab.say("release", () -> released(whole));
      lab.say("release again", () -> released(whole));
      FileLock first = lab.say("range", () -> one.lock(0, 5, false));
      FileLock second = lab.say("range beside it", () -> other.lock(5, 5, true));
      lab.say("overlap with both", () -> one.tryLock(4, 2, false));
      lab.say("overlap of shared ones", () -> one.tryLock(5, 1, true));
      lab.say("far away", () -> one.tryLock(1L << 40, 1, true));
      lab.say("to the end of all files", () -> other.tryLock(1L << 41, 0, true));
      lab.say("in that", () -> other.tryLock(1L << 42, 1, true));
      one.close();
      lab.say("valid", () -> first != null && first.isValid());
      lab.say("other valid", () -> second != null && second.isValid());
      lab.say("release when closed", () -> released(first));
      lab.say("free again", () -> other.tryLock(0, 5, true));
      lab.say("close the other", () -> {
        if (second != null) {
          second.close();
        }
        return second != null && second.isValid();
      });
      other.close();
      FileChannel third = lab.open(path, READ, WRITE);
      lab.say("whole, by a third", () -> third.lock());
    }
  },
  LOCKS_THAT_ARE_NONE {
    @Override
    void play(Lab lab) throws IOException {
      FileChannel channel = lab.open(lab.file("f", "0123456789"), READ, WRITE);
      for (long position : new long[] {-1, 0, 5, Long.MAX_VALUE}) {
        for (long size : new long[] {-1, 0, 1, Long.MAX_VALUE}) {
          for (boolean shared : new boolean[] {true, false}) {
            lab.say("lock " + position + "+" + size, () -> releasedAtOnce(lab, channel.lock(position, size, shared)));
            lab.say("tryLock " + position + "+" + size, () -> releasedAtOnce(lab, channel.tryLock(position, size, shared)));
          }
        }
      }
    }
  },
  MAPPINGS {
    @Override
    void play(Lab lab) throws IOException {
      FileChannel channel = lab.open(lab.file("f", "0123456789"), READ, WRITE);
      for (MapMode mode : List.of(MapMode.READ_ONLY, MapMode.READ_WRITE, MapMode.PRIVATE)) {
        for (long[] range : new long[][] {{0, 10}, {3, 4}, {0, 0}, {5, 20}, {-1, 1}, {0, -1}, {0, 1L << 31}, {Long.MAX_VALUE, 1}}) {
          String what = mode + " " + range[0] + "+" + range[1];
          MappedByteBuffer mapped = lab.say("map " + what, () -> channel.map(mode, range[0], range[1]));
          lab.say("size", channel::size);
          if (mapped != null && mapped.hasRemaining()) {
            lab.say("buffer", mapped);
            lab.say("put", () -> mapped.put(0, (byte) 'X').get(0));
            lab.say("in the file", () -> channel.read(ByteBuffer.allocate(1), range[0]));
          }
        }
      }
      try (Arena arena = Arena.ofConfined()) {
        lab.say("segment", () -> channel.map(MapMode.READ_WRITE, 2, 3, arena).getAtIndex(ValueLayout.JAVA_BYTE, 1));
        lab.say("bad offset", () -> channel.map(MapMode.READ_WRITE, -2, 3, arena));
        lab.say("bad size", () -> channel.map(MapMode.READ_WRITE, 2, -3, arena));
        lab.say("null mode", () -> channel.map(none(), 2, 3, arena));
      }
      lab.say("shared segment", () -> channel.map(MapMode.READ_ONLY, 2, 3, Arena.ofAuto()).byteSize());
      lab.say("null arena", () -> channel.map(MapMode.READ_ONLY, 2, 3, none()));
      lab.say("null mode", () -> channel.map(none(), 2, 3));
      Arena dead = Arena.ofShared();
      dead.close();
      lab.say("dead arena", () -> channel.map(MapMode.READ_ONLY, 2, 3, dead));
    }
  },
  OPENING {
    @Override
    void play(Lab lab) throws IOException {
      Path there = lab.file("f", "0123456789");
      Path dir = Files.createDirectory(lab.path("d"));
      Path link = Files.createSymbolicLink(lab.path("l"), there);
      lab.say("missing", () -> lab.open(lab.path("none")));
      lab.say("missing, to write", () -> lab.open(lab.path("none"), WRITE));
      lab.say("there already", () -> lab.open(there, CREATE_NEW, WRITE));
      lab.say("below a file", () -> lab.open(there.resolve("x"), CREATE, WRITE));
      lab.say("directory, to write", () -> lab.open(dir, WRITE));
      lab.say("append and truncate", () -> lab.open(there, APPEND, TRUNCATE_EXISTING));
      lab.say("link not followed", () -> lab.open(link, READ, LinkOption.NOFOLLOW_LINKS));
      lab.say("strange option", () -> lab.open(there, READ, new OpenOption() {}));
      lab.say("null path", () -> lab.open(none(), READ));
      lab.say("null option", () -> lab.open(there, READ, none()));
      lab.say("null options", () -> lab.open(there, (OpenOption[]) none()));
      lab.say("link", () -> lab.open(link, READ).size());
      lab.say("synchronous", () -> lab.open(there, WRITE, SYNC).write(text("S")));
      lab.say("data synchronous", () -> lab.open(there, WRITE, DSYNC).write(text("D")));
      FileChannel directory = lab.open(dir, READ);
      lab.say("reading a directory", () -> directory.read(ByteBuffer.allocate(1)));
      lab.say("reading a directory at a place", () -> directory.read(ByteBuffer.allocate(1), 0));
      lab.say("truncating on opening", () -> lab.open(lab.file("t", "0123456789"), WRITE, TRUNCATE_EXISTING).size());
      FileChannel temporary = lab.open(lab.path("temporary"), CREATE, READ, WRITE, DELETE_ON_CLOSE);
      lab.say("temporary", () -> temporary.write(text("gone soon")));
      lab.say("temporary", () -> temporary.read(ByteBuffer.allocate(4), 2));
    }
  };

  private static final OpenOption[][] MODES = {{READ}, {WRITE}, {APPEND}, {READ, WRITE}, {}};
  private static final long[][] RANGES = {
    {0, 10}, {0, 4}, {3, 5}, {3, 100}, {10, 1}, {11, 1}, {25, 2}, {4, 0}, {0, Long.MAX_VALUE}, {-1, 1}, {1, -1}, {Long.MIN_VALUE, 1}
  };

  abstract void play(Lab lab) throws IOException;

  private static void everyMethod(Lab lab, FileChannel channel) throws IOException {
    lab.say("read", () -> channel.read(ByteBuffer.allocate(2)));
    lab.say("read at", () -> channel.read(ByteBuffer.allocate(2), 1));
    lab.say("scatter", () -> channel.read(new ByteBuffer[] {ByteBuffer.allocate(1)}));
    lab.say("write", () -> channel.write(text("ab")));
    lab.say("write at", () -> channel.write(text("ab"), 3));
    lab.say("gather", () -> channel.write(new ByteBuffer[] {text("c")}));
    lab.say("position", channel::position);
    lab.say("seek", () -> channel.position(4));
    lab.say("size", channel::size);
    lab.say("truncate", () -> channel.truncate(8));
    lab.say("force", () -> {
      channel.force(true);
      channel.force(false);
      return "done";
    });
    lab.say("transferTo", () -> channel.transferTo(1, 2, new ScenarioArguments.Sink(9, 9)));
    lab.say("transferFrom", () -> channel.transferFrom(source("z"), 1, 2));
    lab.say("map", () -> channel.map(MapMode.READ_ONLY, 0, 1).get(0));
    lab.say("map for writing", () -> channel.map(MapMode.READ_WRITE, 0, 1).get(0));
    lab.say("map beyond", () -> channel.map(MapMode.READ_ONLY, 0, 100).get(99));
    lab.say("map segment", () -> channel.map(MapMode.PRIVATE, 0, 1, Arena.ofAuto()).byteSize());
    lab.say("exclusive", () -> releasedAtOnce(lab, channel.tryLock(0, 1, false)));
    lab.say("shared", () -> releasedAtOnce(lab, channel.tryLock(0, 1, true)));
    lab.say("wait, exclusive", () -> releasedAtOnce(lab, channel.lock(0, 1, false)));
    lab.say("wait, shared", () -> releasedAtOnce(lab, channel.lock(0, 1, true)));
    lab.say("open", channel::isOpen);
  }

  private static void badArguments(Lab lab, FileChannel channel) {
    lab.say("read null", () -> channel.read((ByteBuffer) none()));
    lab.say("read read-only", () -> channel.read(ByteBuffer.allocate(2).asReadOnlyBuffer()));
    lab.say("read null at", () -> channel.read((ByteBuffer) none(), -1));
    lab.say("read negative", () -> channel.read(ByteBuffer.allocate(2), -1));
    lab.say("scatter range", () -> channel.read(new ByteBuffer[1], 1, 1));
    lab.say("scatter null", () -> channel.read(new ByteBuffer[1], 0, 1));
    lab.say("write null", () -> channel.write((ByteBuffer) none()));
    lab.say("write null at", () -> channel.write((ByteBuffer) none(), -1));
    lab.say("write negative", () -> channel.write(text("x"), -1));
    lab.say("gather range", () -> channel.write(new ByteBuffer[1], 1, 1));
    lab.say("gather null", () -> channel.write(new ByteBuffer[1], 0, 1));
    lab.say("seek negative", () -> channel.position(-1));
    lab.say("truncate negative", () -> channel.truncate(-1));
    lab.say("transferTo negative", () -> channel.transferTo(-1, 1, new ScenarioArguments.Sink(1, 1)));
    lab.say("transferTo null", () -> channel.transferTo(0, 1, none()));
    lab.say("transferFrom negative", () -> channel.transferFrom(source("z"), -1, 1));
    lab.say("transferFrom null", () -> channel.transferFrom(none(), 0, 1));
    lab.say("map null", () -> channel.map(none(), 0, 1));
    lab.say("map too much", () -> channel.map(MapMode.READ_ONLY, 0, 1L << 31));
    lab.say("lock negative", () -> channel.lock(-1, 1, true));
    lab.say("tryLock negative", () -> channel.tryLock(0, -1, false));
  }

  private static @Nullable String released(@Nullable FileLock lock) throws IOException {
    if (lock == null) {
      return null;
    }
    lock.release();
    return "valid=" + lock.isValid();
  }

  private static @Nullable String releasedAtOnce(Lab lab, @Nullable FileLock lock) throws IOException {
    lab.say("got", () -> lock);
    return released(lock);
  }
}
