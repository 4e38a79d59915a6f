package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.OperationTarget;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Open files by descriptor: numbers of our own, none given out twice while it is open. */
final class FileTable {
  /** Far above the system's own, so that nobody takes one for the other. */
  private static final int FIRST = 1 << 24;

  private final Map<Integer, OpenFile> files = new ConcurrentHashMap<>();
  private final AtomicInteger next = new AtomicInteger(FIRST);
  private volatile boolean closed;

  /** A descriptor for a file; if the table is closed already, {@code -ECANCELED}, and the file is closed. */
  int add(OpenFile file) throws IOException {
    int fd;
    try {
      do {
        fd = next.getAndUpdate(number -> number == Integer.MAX_VALUE ? FIRST : number + 1);
      } while (files.putIfAbsent(fd, file) != null);
    } catch (Throwable e) {
      file.close(); // out of memory: nobody has its number
      throw e;
    }
    if (closed) {
      files.remove(fd);
      file.close();
      return -Errno.ECANCELED;
    }
    return fd;
  }

  /** The file, or {@code null} if the descriptor is none. */
  @Nullable OpenFile get(int fd) {
    return files.get(fd);
  }

  /** May be called again after an error of the JVM's, and does what was cut. */
  int close(int fd) throws IOException {
    OpenFile file = files.get(fd);
    if (file == null) {
      return -Errno.EBADF;
    }
    try {
      file.close();
    } catch (IOException e) {
      OpenFile _ = files.remove(fd);
      throw e;
    }
    OpenFile _ = files.remove(fd);
    return 0;
  }

  /** The open file an operation is on, or {@code null} if there is none. */
  @Nullable OpenFile of(Operation operation) {
    int fd = OperationTarget.descriptorOf(operation);
    return fd == OperationTarget.NONE ? null : files.get(fd);
  }

  /**
   * Takes no file any more, and lists those that are open but for those some operation is still in,
   * on which closing might hang. The descriptors stay known, so that their owners can still give
   * them back.
   */
  List<OpenFile> endAllBut(List<Operation> stuck) {
    closed = true;
    Set<Integer> left = new HashSet<>();
    for (Operation operation : stuck) {
      left.add(OperationTarget.descriptorOf(operation));
    }
    List<OpenFile> toClose = new ArrayList<>();
    files.forEach(
        (fd, file) -> {
          if (!left.contains(fd)) {
            toClose.add(file);
          }
        });
    return toClose;
  }
}
