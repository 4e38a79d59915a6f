package dev.annulus.internal.portable;

import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What is run on both. */
enum ParityScenario {
  OPENING {
    @Override
    void run(ParityScript s) {
      s.open("missing", OpenFlag.READ);
      s.open("none/missing", OpenFlag.WRITE, OpenFlag.CREATE);
      s.open("file/below", OpenFlag.READ);
      s.open("file", OpenFlag.WRITE, OpenFlag.CREATE_NEW);
      s.open("sub", OpenFlag.READ, OpenFlag.WRITE);
      s.open("sub", OpenFlag.WRITE);
      s.open("sub", OpenFlag.WRITE, OpenFlag.APPEND);
      s.open("file", OpenFlag.READ, OpenFlag.DIRECTORY);
      s.open("missing", OpenFlag.READ, OpenFlag.DIRECTORY);
      s.open("link", OpenFlag.READ, OpenFlag.NO_FOLLOW);
      s.open("link", OpenFlag.WRITE, OpenFlag.NO_FOLLOW);
      s.open("link", OpenFlag.WRITE, OpenFlag.APPEND, OpenFlag.NO_FOLLOW);
      s.open("loop", OpenFlag.READ);
      s.open("dangling", OpenFlag.READ);
      s.open("dangling", OpenFlag.WRITE, OpenFlag.CREATE_NEW);
      s.open("n".repeat(300), OpenFlag.READ);
      s.open("link", OpenFlag.READ, OpenFlag.WRITE, OpenFlag.TRUNCATE);
      s.stat("file", true);
      s.open("dangling", OpenFlag.WRITE, OpenFlag.CREATE);
      s.stat("target", true);
    }
  },
  WRONG_DESCRIPTORS {
    @Override
    void run(ParityScript s) throws IOException {
      int fd = s.open("file", OpenFlag.READ);
      s.run(new Operation.Close(fd));
      MemorySegment memory = Arena.ofAuto().allocate(1);
      int never = Integer.MAX_VALUE;
      s.run(DriverUse.read(never, memory, 0));
      s.run(DriverUse.write(never, memory, 0));
      s.run(new Operation.ReadVector(never, List.of(DriverUse.piece(memory)), 0));
      s.run(new Operation.Sync(never, false));
      s.run(new Operation.Truncate(never, 1));
      s.run(new Operation.Allocate(never, 0, 1));
      s.run(new Operation.Stat(never, new StatResult()));
      s.run(new Operation.Close(never));
      s.run(new Operation.TryLock(never));
      s.run(new Operation.Unlock(never));
      s.use("file", List.of(OpenFlag.READ), f -> {
        s.write(f, "no", 0);
        s.run(new Operation.WriteVector(f, List.of(DriverUse.piece(memory)), 0));
        s.run(new Operation.Truncate(f, 1));
        s.run(new Operation.Allocate(f, 0, 1));
        s.run(new Operation.Sync(f, true));
      });
      s.use("file", List.of(OpenFlag.WRITE), f -> s.read(f, 1, 0));
      s.use("file", List.of(OpenFlag.WRITE, OpenFlag.APPEND), f -> s.read(f, 1, 0));
    }
  },
  DIRECTORIES_AS_FILES {
    @Override
    void run(ParityScript s) throws IOException {
      s.use("sub", List.of(OpenFlag.READ, OpenFlag.DIRECTORY), fd -> {
        s.read(fd, 8, 0);
        s.write(fd, "no", 0);
        s.run(new Operation.Truncate(fd, 0));
        s.run(new Operation.Sync(fd, false));
        s.run(new Operation.Sync(fd, true));
        StatResult stat = new StatResult();
        s.run(new Operation.Stat(fd, stat));
        s.note(stat);
      });
    }
  },
  READING_AND_WRITING {
    @Override
    void run(ParityScript s) throws IOException {
      s.use("new", List.of(OpenFlag.READ, OpenFlag.WRITE, OpenFlag.CREATE), fd -> {
        s.read(fd, 4, 0);
        s.write(fd, "0123456789", 5);
        s.read(fd, 10, 10);
        s.read(fd, 4, 100);
        s.read(fd, 4, Long.MAX_VALUE - 4);
        s.write(fd, "x", Long.MAX_VALUE - 1);
        s.write(fd, "", 3);
        s.run(new Operation.Truncate(fd, 7));
        s.run(new Operation.Truncate(fd, 4099));
        s.run(new Operation.Truncate(fd, Long.MAX_VALUE));
        s.read(fd, 9, 4090);
        s.run(new Operation.Truncate(fd, 12));
        s.run(new Operation.Allocate(fd, 3, 4));
        s.run(new Operation.Allocate(fd, 10, 5003));
        StatResult stat = new StatResult();
        s.run(new Operation.Stat(fd, stat));
        s.note(stat);
      });
      s.contents("new");
    }
  },
  WRITING_ONLY {
    @Override
    void run(ParityScript s) throws IOException {
      s.use("new", List.of(OpenFlag.WRITE, OpenFlag.CREATE), fd -> {
        s.write(fd, "abc", 0);
        s.run(new Operation.Truncate(fd, 1000));
        s.run(new Operation.Allocate(fd, 900, 301));
        s.write(fd, "d", 3);
      });
      s.contents("new");
      s.use("new", List.of(OpenFlag.WRITE, OpenFlag.TRUNCATE, OpenFlag.SYNC), fd -> s.write(fd, "e", 0));
      s.contents("new");
    }
  },
  APPENDING {
    @Override
    void run(ParityScript s) throws IOException {
      for (List<OpenFlag> flags :
          List.of(
              List.of(OpenFlag.WRITE, OpenFlag.APPEND, OpenFlag.CREATE),
              List.of(OpenFlag.WRITE, OpenFlag.APPEND, OpenFlag.CREATE, OpenFlag.READ, OpenFlag.DSYNC),
              List.of(OpenFlag.WRITE, OpenFlag.APPEND, OpenFlag.CREATE_NEW, OpenFlag.READ))) {
        s.use("log", flags, fd -> {
          s.write(fd, "one", Operation.AT_END_OF_FILE);
          s.write(fd, "two", 0);
          s.run(
              new Operation.WriteVector(
                  fd, List.of(DriverUse.piece(DriverUse.bytes("th")), DriverUse.piece(DriverUse.bytes("ree"))), 1));
          s.run(new Operation.Truncate(fd, 40));
          s.write(fd, "four", 0);
          s.read(fd, 100, 0);
          s.run(new Operation.Truncate(fd, 5));
          s.run(new Operation.Allocate(fd, 0, 6));
          s.write(fd, "five", 0);
          s.run(new Operation.Sync(fd, false));
        });
      }
      s.contents("log");
    }
  },
  VECTORS {
    @Override
    void run(ParityScript s) throws IOException {
      s.use("new", List.of(OpenFlag.READ, OpenFlag.WRITE, OpenFlag.CREATE), fd -> {
        List<Operation.Piece> pieces = new ArrayList<>();
        for (int i = 0; i < 1030; i++) {
          pieces.add(DriverUse.piece(DriverUse.bytes(Character.toString('a' + i % 26))));
        }
        s.run(new Operation.WriteVector(fd, pieces, 2));
        MemorySegment one = Arena.ofAuto().allocate(3);
        MemorySegment none = one.asSlice(3);
        MemorySegment two = Arena.ofAuto().allocate(5);
        List<Operation.Piece> into = List.of(DriverUse.piece(one), DriverUse.piece(none), DriverUse.piece(two));
        s.run(new Operation.ReadVector(fd, into, 1));
        s.notes.add(DriverUse.text(one, 3) + "," + DriverUse.text(two, 5));
        s.run(new Operation.ReadVector(fd, into, 1022));
        s.run(new Operation.ReadVector(fd, into, 1026));
      });
      s.contents("new");
    }
  },
  STATS {
    @Override
    void run(ParityScript s) {
      for (String name : List.of("file", "sub", "link", "dangling", "loop", "missing", "file/below")) {
        s.stat(name, true);
        s.stat(name, false);
      }
      s.stat("n".repeat(300), false);
    }
  },
  NAMES {
    @Override
    void run(ParityScript s) throws IOException {
      s.run(new Operation.CreateDirectory(s.dir.resolve("made"), 0x1c0));
      s.stat("made", false);
      s.run(new Operation.CreateDirectory(s.dir.resolve("made"), 0x1ff));
      s.run(new Operation.CreateDirectory(s.dir.resolve("none/made"), 0x1ff));
      s.run(new Operation.CreateDirectory(s.dir.resolve("file/made"), 0x1ff));
      for (String name : List.of("missing", "file", "full", "made", "dirlink", "dangling")) {
        s.run(new Operation.Remove(s.dir.resolve(name), true));
      }
      for (String name : List.of("missing", "full", "sub", "dirlink", "dangling", "link")) {
        s.run(new Operation.Remove(s.dir.resolve(name), false));
      }
      s.run(new Operation.Link(s.dir.resolve("file2"), s.dir.resolve("file")));
      s.run(new Operation.Link(s.dir.resolve("file2"), s.dir.resolve("file")));
      s.run(new Operation.Link(s.dir.resolve("x"), s.dir.resolve("missing")));
      s.run(new Operation.Link(s.dir.resolve("x"), s.dir.resolve("sub")));
      s.run(new Operation.Link(s.dir.resolve("loop2"), s.dir.resolve("loop")));
      s.stat("loop2", false);
      s.list(".");
      s.list("full");
      s.list("sub");
      s.list("file");
      s.list("missing");
    }
  },
  RENAMING {
    @Override
    void run(ParityScript s) throws IOException {
      String[][] moves = {
        {"missing", "x"}, {"file", "sub"}, {"sub", "file"}, {"sub", "full"}, {"file", "none/x"}, {"sub", "sub/x"},
        {"full", "sub"}, {"file", "other"}, {"other", "target2"}, {"link", "target2"}, {"other", "other"}
      };
      for (String[] move : moves) {
        s.run(new Operation.Rename(s.dir.resolve(move[0]), s.dir.resolve(move[1])));
      }
      s.run(new Operation.Rename(s.dir.resolve("other"), Path.of("/dev/shm/annulus-parity")));
      s.list(".");
    }
  },
  TREES {
    @Override
    void run(ParityScript s) throws IOException {
      for (String name : List.of("missing", "file", "dirlink", "dangling", "file/below")) {
        s.run(new Operation.RemoveTree(s.dir.resolve(name)));
      }
      Files.createSymbolicLink(s.dir.resolve("full/up"), s.dir.resolve("sub"));
      Files.writeString(s.dir.resolve("sub/kept"), "kept");
      s.list("full");
      s.run(new Operation.RemoveTree(s.dir.resolve("full")));
      s.list("full");
      s.list("sub");
    }
  },
  LOCKS {
    @Override
    void run(ParityScript s) {
      int a = s.open("file", OpenFlag.READ, OpenFlag.WRITE);
      int b = s.open("file", OpenFlag.READ);
      int c = s.open("file", OpenFlag.WRITE, OpenFlag.APPEND);
      int d = s.open("file2", OpenFlag.READ, OpenFlag.WRITE, OpenFlag.CREATE);
      for (int fd : List.of(a, a, b, c, d)) {
        s.run(new Operation.TryLock(fd));
      }
      s.run(new Operation.Close(b));
      s.run(new Operation.TryLock(c));
      s.run(new Operation.Unlock(c));
      s.run(new Operation.TryLock(c));
      s.run(new Operation.Unlock(a));
      s.run(new Operation.Unlock(a));
      s.run(new Operation.TryLock(c));
      s.run(new Operation.Unlock(c));
      s.run(new Operation.TryLock(a));
      s.run(new Operation.Close(a));
      s.run(new Operation.TryLock(c));
      s.run(new Operation.Close(c));
      int e = s.open("file", OpenFlag.READ);
      s.run(new Operation.TryLock(e));
      s.run(new Operation.Close(e));
      s.run(new Operation.Close(d));
    }
  };

  abstract void run(ParityScript script) throws IOException;
}
