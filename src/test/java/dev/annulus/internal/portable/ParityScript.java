package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Errno;
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
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Runs operations on a driver, in a directory of its own, and notes what comes of them. */
final class ParityScript {
  private static final Pattern ZEROS = Pattern.compile("\\x00+");

  final Driver driver;
  final Path dir;
  final List<String> notes = new ArrayList<>();

  ParityScript(Driver driver, Path dir) {
    this.driver = driver;
    this.dir = dir;
  }

  int run(Operation operation) {
    int submitted = DriverUse.run(driver, operation);
    notes.add(operation.name() + " " + (submitted < 0 ? Errno.symbol(-submitted) : submitted));
    return submitted;
  }

  /** Opens, and notes success or failure but not the number. */
  int open(String name, OpenFlag... flags) {
    int fd = DriverUse.run(driver, new Operation.Open(dir.resolve(name), Set.of(flags), 0x1b6));
    notes.add("open " + name + " " + List.of(flags) + " " + (fd < 0 ? Errno.symbol(-fd) : "done"));
    return fd;
  }

  void use(String name, List<OpenFlag> flags, OnFile use) throws IOException {
    int fd = open(name, flags.toArray(OpenFlag[]::new));
    if (fd >= 0) {
      use.accept(fd);
      run(new Operation.Close(fd));
    }
  }

  void read(int fd, int length, long offset) {
    MemorySegment into = Arena.ofAuto().allocate(length);
    int count = run(DriverUse.read(fd, into, offset));
    notes.add("bytes " + (count < 0 ? "none" : DriverUse.text(into, count)));
  }

  void write(int fd, String text, long offset) {
    run(DriverUse.write(fd, DriverUse.bytes(text), offset));
  }

  void stat(String name, boolean follow) {
    StatResult into = new StatResult();
    run(new Operation.StatPath(dir.resolve(name), follow, into));
    note(into);
  }

  void note(StatResult s) {
    notes.add("stat " + List.of(s.sizeBytes, s.mode, s.linkCount, s.userId, s.groupId, s.device, s.blockSizeBytes));
  }

  void contents(String name) throws IOException {
    String text = Files.readString(dir.resolve(name));
    notes.add(name + ": " + ZEROS.matcher(text).replaceAll(zeros -> "<" + zeros.group().length() + " zeros>"));
  }

  void list(String name) {
    List<Operation.DirectoryItem> items = new ArrayList<>();
    run(new Operation.ListDirectory(dir.resolve(name), items));
    TreeSet<String> sorted = new TreeSet<>();
    items.forEach(item -> sorted.add(dir.relativize(item.path()) + (item.directory() ? "/" : "")));
    notes.add(sorted.toString());
  }

  /** Something done with an open file. */
  interface OnFile {
    void accept(int fd) throws IOException;
  }
}
