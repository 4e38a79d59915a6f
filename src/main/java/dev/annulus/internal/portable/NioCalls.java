package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Persistence;
import dev.annulus.internal.driver.Refusals;
import dev.annulus.internal.driver.StackRoom;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.List;

/**
 * Runs operations as blocking calls of {@code java.nio} on the calling thread, which must not be one that anybody interrupts: an
 * interrupt closes the channel its thread is in.
 */
final class NioCalls {
  private static final List<Class<?>> NEEDED =
      List.of(
          NioCalls.class,
          Call.class,
          ConfinedMemory.class,
          Endings.class,
          Failures.class,
          FileAttributes.class,
          FileLengths.class,
          FileOpener.class,
          Lane.class,
          Log.class,
          Memory.class,
          OpenFile.class,
          PathCalls.class,
          PoolLock.class,
          PoolTask.class,
          PoolWorker.class,
          Persistence.class,
          Refusals.class,
          SharedFile.class,
          StackRoom.class,
          Transfers.class,
          TreeRemover.class,
          TreeWalk.class);

  private static final int CLOSE_TRIES = 20;

  private final FileTable files;
  private volatile boolean stopping;

  NioCalls(FileTable files) {
    this.files = files;
  }

  /** Loads the classes that run operations: that could fail, for good, when they are first needed with no descriptor left. */
  static void load() {
    for (Class<?> type : NEEDED) {
      initialize(type);
      for (Class<?> nested : type.getDeclaredClasses()) {
        initialize(nested);
      }
    }
  }

  private static void initialize(Class<?> type) {
    try {
      Class<?> _ = Class.forName(type.getName(), true, type.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new LinkageError(type.getName(), e);
    }
  }

  /** Has operations of many steps end at the next. */
  void stop() {
    stopping = true;
  }

  /** Runs an operation; a value or a negated errno, as {@link Operation} describes it. */
  int run(Operation operation) {
    for (int tries = 0; tries < CLOSE_TRIES && operation instanceof Operation.Close close; tries++) {
      try {
        return files.close(close.fd());
      } catch (VirtualMachineError e) {
        // Again: nobody else would give the descriptor back.
      } catch (Throwable e) {
        return -Failures.errno(e);
      }
    }
    int result = -Errno.ENOMEM; // what cuts this is a want of memory, or of stack
    try {
      try {
        result = once(operation);
      } catch (Throwable e) {
        result = -Failures.errno(e);
      } finally {
        Reference.reachabilityFence(operation);
      }
    } catch (VirtualMachineError e) {
      // The result may be a descriptor, and is not to be lost.
    }
    return result;
  }

  private int open(Operation.Open open) throws IOException {
    OpenFile file = FileOpener.open(open);
    try {
      return files.add(file);
    } catch (VirtualMachineError e) {
      file.close(); // nobody has its number
      throw e;
    }
  }

  private int once(Operation operation) throws IOException {
    return switch (operation) {
      case Operation.Nop() -> 0;
      case Operation.Read read -> onFile(read.fd(), file -> Transfers.read(file, read));
      case Operation.Write write -> onFile(write.fd(), file -> Transfers.write(file, write));
      case Operation.ReadVector read -> onFile(read.fd(), file -> Transfers.read(file, read));
      case Operation.WriteVector write -> onFile(write.fd(), file -> Transfers.write(file, write));
      case Operation.Sync(int fd, boolean dataOnly) -> onFile(fd, file -> sync(file, dataOnly));
      case Operation.Truncate(int fd, long size) -> onFile(fd, file -> FileLengths.truncate(file, size));
      case Operation.Allocate(int fd, long offset, long length) ->
          onFile(fd, file -> FileLengths.allocate(file, offset, length));
      case Operation.Room _ -> 0; // allocating asks
      case Operation.Reserve _ -> -Errno.EOPNOTSUPP;
      case Operation.Stat stat -> onFile(stat.fd(), file -> stat(file, stat));
      case Operation.TryLock(int fd) -> onFile(fd, file -> file.shared().tryLock(file));
      case Operation.Unlock(int fd) -> onFile(fd, file -> file.shared().unlock(file));
      case Operation.Open open -> open(open);
      case Operation.Close(int fd) -> files.close(fd);
      case Operation.StatPath stat -> PathCalls.stat(stat);
      case Operation.CreateDirectory(Path path, int permissions) -> PathCalls.createDirectory(path, permissions);
      case Operation.Remove(Path path, boolean directory) -> PathCalls.remove(path, directory);
      case Operation.Rename(Path source, Path target) -> PathCalls.rename(source, target);
      case Operation.Link(Path link, Path existing) -> PathCalls.link(link, existing);
      case Operation.ListDirectory list -> PathCalls.list(list.path(), list.into());
      case Operation.RemoveTree(Path path) -> new TreeRemover(() -> stopping).remove(path);
    };
  }

  /** What is done with an open file. */
  private interface FileCall {
    int run(OpenFile file) throws IOException;
  }

  private int onFile(int fd, FileCall call) throws IOException {
    OpenFile file = files.get(fd);
    if (file == null) {
      return -Errno.EBADF;
    }
    return file.isAborted() ? -Errno.ECANCELED : call.run(file);
  }

  private static int sync(OpenFile file, boolean dataOnly) throws IOException {
    file.channel().force(!dataOnly);
    return 0;
  }

  private static int stat(OpenFile file, Operation.Stat stat) throws IOException {
    file.stat(stat.into());
    return 0;
  }
}
