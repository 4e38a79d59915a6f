package dev.annulus.faults;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Sends a signal to single threads of this process, as profilers do. SIGUSR2 is the JVM's own for suspending threads: its handler does
 * nothing when no suspension was asked for, but the system call the thread is in is interrupted.
 */
final class Signals {
  private static final int SIGUSR2 = 12;
  private static final Path TASKS = Path.of("/proc/self/task");

  private static final MethodHandle TGKILL = link("tgkill");

  private Signals() {}

  /** The kernel's numbers of the threads whose name begins so. */
  static List<Integer> threadsNamed(String prefix) {
    // The kernel keeps 15 characters of a name.
    String kept = prefix.substring(0, Math.min(15, prefix.length()));
    try (Stream<Path> tasks = Files.list(TASKS)) {
      return tasks.filter(task -> nameOf(task).startsWith(kept)).map(Signals::number).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void interrupt(int thread) {
    try {
      int _ = (int) TGKILL.invokeExact((int) ProcessHandle.current().pid(), thread, SIGUSR2);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private static String nameOf(Path task) {
    try {
      return Files.readString(task.resolve("comm")).strip();
    } catch (IOException e) {
      return ""; // the thread has ended
    }
  }

  private static int number(Path task) {
    return Integer.parseInt(task.getFileName().toString());
  }

  @SuppressWarnings("restricted")
  private static MethodHandle link(String symbol) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(symbol), FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
  }
}
