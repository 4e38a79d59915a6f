package dev.annulus;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** An operation of a program, from its submission until its outcome has been checked. */
final class Running {
  /** A path that an operation uses, and whether it may change where it leads. */
  record Name(String path, boolean changes) {
    boolean conflicts(Name other) {
      return (changes || other.changes) && (isAtOrBelow(path, other.path) || isAtOrBelow(other.path, path));
    }

    private static boolean isAtOrBelow(String path, String directory) {
      return path.startsWith(directory) && (path.length() == directory.length() || path.charAt(directory.length()) == '/');
    }
  }

  /** What part of a file, and which names, an operation needs to itself, or shares with readers. */
  record Access(
      @Nullable FileModel file,
      long from,
      long to,
      boolean writes,
      boolean readsSize,
      boolean writesSize,
      List<Name> names) {
    static final Access NONE = new Access(null, 0, 0, false, false, false, List.of());

    static Access reading(FileModel file, long from, long to) {
      return new Access(file, from, to, false, to > file.size(), false, List.of());
    }

    static Access writing(FileModel file, long from, long to) {
      boolean extends_ = to > file.size();
      return new Access(file, extends_ ? Math.min(from, file.size()) : from, to, true, false, extends_, List.of());
    }

    static Access resizing(FileModel file, long from) {
      return new Access(file, from, Long.MAX_VALUE, true, false, true, List.of());
    }

    static Access size(FileModel file) {
      return new Access(file, 0, 0, false, true, false, List.of());
    }

    static Access naming(Name... names) {
      return NONE.and(names);
    }

    Access and(Name... more) {
      return new Access(file, from, to, writes, readsSize, writesSize, List.of(more));
    }

    @SuppressWarnings("ReferenceEquality") // a model is one file
    boolean conflicts(Access other) {
      return (file != null
              && file == other.file
              && ((from < other.to && other.from < to && (writes || other.writes))
                  || (writesSize && (other.readsSize || other.writesSize))
                  || (readsSize && other.writesSize)))
          || namesConflict(other);
    }

    private boolean namesConflict(Access other) {
      for (Name name : names) {
        for (Name theirs : other.names) {
          if (name.conflicts(theirs)) {
            return true;
          }
        }
      }
      return false;
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
    // What could not even be submitted keeps nothing.
    this.released = future instanceof IoFuture<?> submitted ? submitted.released() : CompletableFuture.completedFuture(null);
    this.access = access;
    this.began = began;
    this.mayBeRefused = mayBeRefused;
    this.check = check;
  }

  static boolean areOver(List<Running> operations) {
    for (Running operation : operations) {
      if (!operation.isOver()) {
        return false;
      }
    }
    return true;
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
