package dev.annulus;

import dev.annulus.internal.driver.Operation;

/** What operations there are, as those see them who watch a runtime. What a caller asked for may take several of them. */
public enum OperationType {
  /** Nothing, all the way to the kernel and back. */
  NOP,
  /** A read, into one buffer or several. */
  READ,
  /** A write, from one buffer or several. */
  WRITE,
  /** An {@code fsync} or {@code fdatasync}. */
  SYNC,
  /** A change of a file's length. */
  TRUNCATE,
  /** A reservation of storage. */
  ALLOCATE,
  /** A question about a file or a path. */
  STAT,
  /** An opening of a file. */
  OPEN,
  /** A closing of a descriptor. */
  CLOSE,
  /** A creation of a directory. */
  CREATE_DIRECTORY,
  /** A removal of a name, of a file or of an empty directory. */
  REMOVE,
  /** A renaming. */
  RENAME,
  /** A creation of a hard link. */
  LINK,
  /** A try to lock a file. */
  LOCK,
  /** A giving back of a file's lock. */
  UNLOCK,
  /** A listing of a directory. */
  LIST_DIRECTORY,
  /** A removal of a directory and all in it. */
  REMOVE_TREE;

  static OperationType of(Operation operation) {
    return switch (operation) {
      case Operation.Nop _ -> NOP;
      case Operation.Read _ -> READ;
      case Operation.ReadVector _ -> READ;
      case Operation.Write _ -> WRITE;
      case Operation.WriteVector _ -> WRITE;
      case Operation.Sync _ -> SYNC;
      case Operation.Truncate _ -> TRUNCATE;
      case Operation.Allocate _ -> ALLOCATE;
      case Operation.Room _ -> ALLOCATE;
      case Operation.Reserve _ -> ALLOCATE;
      case Operation.Stat _ -> STAT;
      case Operation.StatPath _ -> STAT;
      case Operation.Open _ -> OPEN;
      case Operation.Close _ -> CLOSE;
      case Operation.CreateDirectory _ -> CREATE_DIRECTORY;
      case Operation.Remove _ -> REMOVE;
      case Operation.Rename _ -> RENAME;
      case Operation.Link _ -> LINK;
      case Operation.TryLock _ -> LOCK;
      case Operation.Unlock _ -> UNLOCK;
      case Operation.ListDirectory _ -> LIST_DIRECTORY;
      case Operation.RemoveTree _ -> REMOVE_TREE;
    };
  }
}
