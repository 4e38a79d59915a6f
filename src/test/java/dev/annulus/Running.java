package dev.annulus;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** An operation of a program, from its submission until its outcome has been checked. */
final class Running {
  /** What part of a file an operation needs to itself, or shares with readers. */
  record Access(@Nullable FileModel file, int from, int to, boolean writes, boolean readsSize, boolean writesSize) {
    static final Access NONE = new Access(null, 0, 0, false, false, false);

    static Access reading(FileModel file, int from, int to) {
      return new Access(file, from, to, false, to > file.size, false);
    }

    static Access writing(FileModel file, int from, int to) {
      boolean extends_ = to > file.size;
      return new Access(file, extends_ ? Math.min(from, file.size) : from, to, true, false, extends_);
    }

    static Access resizing(FileModel file, int from) {
      return new Access(file, from, FileModel.MOST, true, false, true);
    }

    static Access size(FileModel file) {
      return new Access(file, 0, 0, false, true, false);
    }

    @SuppressWarnings("ReferenceEquality") // a model is one file
    boolean conflicts(Access other) {
      return file != null
          && file == other.file
          && ((from < other.to && other.from < to && (writes || other.writes))
              || (writesSize && (other.readsSize || other.writesSize))
              || (readsSize && other.writesSize));
    }
  }

  /** Checks the outcome, and tells the model. */
  interface Check {
    void check(Running operation);
  }

  final String what;
  final CompletableFuture<?> future;
  final CompletableFuture<Void> released;
  final Access access;
  final long began;
  final Check check;

  /** Whether it may have been refused for lack of room. */
  final boolean mayBeRefused;

  /** Whether it ends only when it is cancelled. */
  boolean hung;

  /** Whether the program gave it up; then its outcome is anybody's guess. */
  boolean givenUp;

  int ended;
  @Nullable Object value;
  @Nullable Throwable failure;

  Running(String what, CompletableFuture<?> future, Access access, long began, boolean mayBeRefused, Check check) {
    this.what = what;
    this.future = future;
    this.released = ((IoFuture<?>) future).released();
    this.access = access;
    this.began = began;
    this.mayBeRefused = mayBeRefused;
    this.check = check;
  }

  boolean isOver() {
    return ended > 0 && released.isDone();
  }

  boolean succeeded() {
    return !givenUp && failure == null;
  }

  @Override
  public String toString() {
    return what + (givenUp ? " (given up)" : "") + " -> " + (ended == 0 ? "?" : failure != null ? failure : value);
  }
}
