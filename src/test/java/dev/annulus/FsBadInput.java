package dev.annulus;

import static dev.annulus.BadInput.nothing;

import dev.annulus.BadInputSubjects.BadMemory;
import dev.annulus.fs.Blocking;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import dev.annulus.fs.ReadRequest;
import dev.annulus.fs.SeekFrom;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** The bad calls of {@link Fs} and {@link FsFile}. */
final class FsBadInput {
  private static final String READ_AT = "FsFile.readAt(ByteBuffer,long)";
  private static final String READ_MANY = "FsFile.readMany(List)";
  private static final String WRITE_AT = "FsFile.writeAt(ByteBuffer,long)";
  private static final String READ = "FsFile.read(ByteBuffer)";
  private static final String WRITE = "FsFile.write(ByteBuffer)";
  private static final String SEEK = "FsFile.seek(long,SeekFrom)";

  private interface OnPath {
    void call(Fs fs, Path path) throws IOException;
  }

  private interface OnPaths {
    void call(Fs fs, Path one, Path other) throws IOException;
  }

  private interface OnFile {
    void call(FsFile file) throws IOException;
  }

  private interface Transfer {
    void call(FsFile file, ByteBuffer buffer, long offset) throws IOException;
  }

  private final BadInput.Table table;

  private FsBadInput(BadInput.Table table) {
    this.table = table;
  }

  static void addTo(BadInput.Table table) {
    FsBadInput bad = new FsBadInput(table);
    bad.facade();
    bad.paths();
    bad.openOptions();
    bad.transfers();
    bad.cursor();
    bad.lengths();
    bad.closed();
  }

  // ---- Fs ----

  private void facade() {
    table.blocking("Fs.on(IoRuntime)", "null", NullPointerException.class, _ -> Fs.on(nothing()));
    table.blocking("Fs.on(IoRuntime,Blocking)", "null runtime", NullPointerException.class, _ -> Fs.on(nothing(), Blocking.ADAPTIVE));
    table.blocking("Fs.on(IoRuntime,Blocking)", "null mode", NullPointerException.class, on -> Fs.on(on.runtime, nothing()));
  }

  private void paths() {
    path("Fs.open(Path,FsOpenOptions)", (fs, path) -> fs.open(path, FsOpenOptions.updating()));
    path("Fs.createDirectory(Path)", Fs::createDirectory);
    path("Fs.createDirectories(Path)", Fs::createDirectories);
    path("Fs.readDirectory(Path)", Fs::readDirectory);
    path("Fs.removeFile(Path)", Fs::removeFile);
    path("Fs.remove(Path)", Fs::remove);
    path("Fs.removeDirectoryAll(Path)", Fs::removeDirectoryAll);
    path("Fs.metadata(Path)", Fs::metadata);
    path("Fs.exists(Path)", Fs::exists);
    path("Fs.syncDirectory(Path)", Fs::syncDirectory);
    paths("Fs.rename(Path,Path)", Fs::rename);
    paths("Fs.hardLink(Path,Path)", Fs::hardLink);
  }

  private void path(String method, OnPath call) {
    table.blocking(method, "null", NullPointerException.class, on -> call.call(on.fs, nothing()));
    table.blocking(method, "another file system", ProviderMismatchException.class, on -> call.call(on.fs, on.foreign));
    table.blocking(method, "runtime closed", ErrorKind.CLOSED, on -> call.call(on.closedFs, on.path));
  }

  private void paths(String method, OnPaths call) {
    table.blocking(method, "null first", NullPointerException.class, on -> call.call(on.fs, nothing(), on.path));
    table.blocking(method, "null second", NullPointerException.class, on -> call.call(on.fs, on.path, nothing()));
    table.blocking(method, "another file system", ProviderMismatchException.class, on -> call.call(on.fs, on.foreign, on.path));
    table.blocking(method, "runtime closed", ErrorKind.CLOSED, on -> call.call(on.closedFs, on.path, on.dir.resolve("new")));
  }

  private void openOptions() {
    String open = "Fs.open(Path,FsOpenOptions)";
    table.blocking(open, "null options", NullPointerException.class, on -> on.fs.open(on.path, nothing()));
    FsOpenOptions none = FsOpenOptions.none();
    FsOpenOptions reading = FsOpenOptions.reading();
    for (FsOpenOptions senseless :
        List.of(
            none,
            none.withCreate(true),
            none.withDirect(true),
            reading.withTruncate(true),
            reading.withCreate(true),
            reading.withCreateNew(true),
            none.withAppend(true).withTruncate(true),
            FsOpenOptions.writing().withAppend(true))) {
      table.blocking(open, senseless.toString(), ErrorKind.INVALID_INPUT, on -> on.fs.open(on.path, senseless));
    }
  }

  // ---- FsFile ----

  private void transfers() {
    transfer(READ_AT, true, FsFile::readAt);
    transfer(WRITE_AT, false, FsFile::writeAt);
    transfer(READ_MANY, true, (file, buffer, offset) -> file.readMany(List.of(new ReadRequest(buffer, offset))));
    transfer(READ, true, (file, buffer, _) -> file.read(buffer));
    transfer(WRITE, false, (file, buffer, _) -> file.write(buffer));
    for (String method : List.of(READ_AT, WRITE_AT)) {
      table.blocking(
          method, "not opened for it", ErrorKind.INVALID_INPUT, on -> at(method, on, on.buffer(false)));
    }
    table.blocking(
        READ_MANY,
        "not opened for it",
        ErrorKind.INVALID_INPUT,
        on -> on.fsWriteOnly.readMany(List.of(new ReadRequest(on.buffer(false), 0))));
    table.blocking(READ, "not opened for it", NonReadableChannelException.class, on -> on.fsWriteOnly.read(on.buffer(false)));
    table.blocking(WRITE, "not opened for it", NonWritableChannelException.class, on -> on.fsReadOnly.write(on.buffer(false)));
    table.blocking(READ_MANY, "null list", NullPointerException.class, on -> on.fsFile.readMany(nothing()));
    table.blocking(
        READ_MANY,
        "null behind a good one",
        NullPointerException.class,
        on -> on.fsFile.readMany(Arrays.asList(new ReadRequest(on.buffer(false), 0), nothing())));
    table.blocking(
        READ_MANY,
        "bad one behind a good one",
        IllegalArgumentException.class,
        on ->
            on.fsFile.readMany(
                List.of(new ReadRequest(on.buffer(false), 0), new ReadRequest(on.buffer(false).asReadOnlyBuffer(), 0))));
  }

  private static void at(String method, BadInputSubjects on, ByteBuffer buffer) throws IOException {
    int count = method.equals(READ_AT) ? on.fsWriteOnly.readAt(buffer, 0) : on.fsReadOnly.writeAt(buffer, 0);
    throw new AssertionError("transferred " + count);
  }

  private void transfer(String method, boolean reads, Transfer call) {
    table.blocking(method, "null", NullPointerException.class, on -> call.call(on.fsFile, nothing(), 0));
    for (BadMemory kind : BadMemory.values()) {
      table.blocking(method, "memory " + kind, kind.thrown, on -> call.call(on.fsFile, on.buffer(kind), 0));
    }
    for (boolean heap : new boolean[] {false, true}) {
      table.blocking(method, "closed", ClosedChannelException.class, on -> call.call(on.fsClosed, on.buffer(heap), 0));
      for (int size : new int[] {8, 0}) {
        if (reads) {
          table.blocking(
              method,
              size + " bytes of read-only memory, on the heap: " + heap,
              IllegalArgumentException.class,
              on -> call.call(on.fsFile, on.buffer(heap).slice(0, size).asReadOnlyBuffer(), 0));
        }
      }
      if (!method.equals(READ) && !method.equals(WRITE)) {
        for (long offset : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE - 6, Long.MAX_VALUE}) {
          table.blocking(method, "at " + offset, ErrorKind.INVALID_INPUT, on -> call.call(on.fsFile, on.buffer(heap), offset));
        }
      }
    }
    table.blocking(
        method,
        "not aligned, past the page cache",
        IOException.class,
        on -> {
          FsFile direct = on.fsDirect;
          if (direct == null) {
            throw new IOException("cannot be tried here");
          }
          call.call(direct, on.unaligned(), 0);
        });
  }

  private void cursor() {
    table.blocking(SEEK, "null", NullPointerException.class, on -> on.fsFile.seek(0, nothing()));
    table.blocking(SEEK, "before the start", ErrorKind.INVALID_INPUT, on -> on.fsFile.seek(-1, SeekFrom.START));
    table.blocking(SEEK, "far before the end", IOException.class, on -> on.fsFile.seek(Long.MIN_VALUE, SeekFrom.END));
    table.blocking(SEEK, "past the longest", IOException.class, on -> on.fsFile.seek(Long.MAX_VALUE, SeekFrom.END));
    table.blocking("FsFile.position(long)", "-1", IllegalArgumentException.class, on -> on.fsFile.position(-1));
    table.blocking("FsFile.position(long)", "least", IllegalArgumentException.class, on -> on.fsFile.position(Long.MIN_VALUE));
  }

  private void lengths() {
    String truncate = "FsFile.truncate(long)";
    table.blocking(truncate, "to -1", IllegalArgumentException.class, on -> on.fsFile.truncate(-1));
    table.blocking(truncate, "not writable", NonWritableChannelException.class, on -> on.fsReadOnly.truncate(0));
    String setLength = "FsFile.setLength(long)";
    table.blocking(setLength, "to -1", ErrorKind.INVALID_INPUT, on -> on.fsFile.setLength(-1));
    table.blocking(setLength, "to the least long", ErrorKind.INVALID_INPUT, on -> on.fsFile.setLength(Long.MIN_VALUE));
    table.blocking(setLength, "not writable", ErrorKind.INVALID_INPUT, on -> on.fsReadOnly.setLength(0));
    table.blocking(setLength, "huge", IOException.class, on -> on.fsFile.setLength(Long.MAX_VALUE));
  }

  private void closed() {
    closed(SEEK, file -> file.seek(0, SeekFrom.START));
    closed("FsFile.position()", FsFile::position);
    closed("FsFile.position(long)", file -> file.position(0));
    closed("FsFile.truncate(long)", file -> file.truncate(0));
    closed("FsFile.setLength(long)", file -> file.setLength(0));
    closed("FsFile.size()", FsFile::size);
    closed("FsFile.metadata()", FsFile::metadata);
    closed("FsFile.syncAll()", FsFile::syncAll);
    closed("FsFile.syncData()", FsFile::syncData);
    closed("FsFile.lockExclusive()", FsFile::lockExclusive);
    closed("FsFile.tryLockExclusive()", FsFile::tryLockExclusive);
    closed("FsFile.unlock()", FsFile::unlock);
  }

  private void closed(String method, OnFile call) {
    table.blocking(method, "closed", ClosedChannelException.class, on -> call.call(Objects.requireNonNull(on.fsClosed)));
  }
}
