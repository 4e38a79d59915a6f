package dev.annulus;

import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Finisher;
import dev.annulus.internal.driver.Log;
import dev.annulus.internal.driver.Refusals;
import dev.annulus.internal.driver.StallWatch;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Closes the files that are still open when their runtime's driver has ended. */
final class FilesLeftOpen {
  private FilesLeftOpen() {}

  /**
   * Closes them within the time limits. Closing one may block, in the kernel or in users' code that
   * runs when it is closed, so this thread does not do it. What holds a file up is an operation on a
   * caller's own thread, or one that was given up.
   */
  static void close(Engine engine, String runtime, Closing closing) {
    List<OpenDescriptor> open = List.copyOf(engine.openDescriptors());
    if (open.isEmpty()) {
      return;
    }
    Finisher finisher = new Finisher(engine.driver(), runtime);
    open.forEach(file -> finisher.add(() -> close(file)));
    boolean allBegun = finisher.run(closing.nanosUntilFilesClosed());
    for (OpenDescriptor file : open) {
      if (!file.awaitClosed(closing.nanosUntilFilesClosed())) {
        report(file, runtime);
        finisher.add(() -> file.giveUpClosing(Refusals.closed()));
      }
    }
    if (!finisher.run(closing.nanosUntilReturn()) || !allBegun) {
      finisher.report(runtime);
    }
  }

  private static void close(OpenDescriptor file) {
    file.closeUnheard();
    file.groupCommit().end(Refusals.closed());
  }

  private static void report(OpenDescriptor file, String runtime) {
    StringBuilder message = new StringBuilder();
    message
        .append("the runtime ")
        .append(runtime)
        .append(" was closed while an operation on ")
        .append(file.path())
        .append(" had not ended; the file is closed when it ends");
    Thread.getAllStackTraces().entrySet().stream()
        .filter(FilesLeftOpen::isInOperation)
        .map(Map.Entry::getKey)
        .forEach(
            thread ->
                message
                    .append(". The thread ")
                    .append(thread.getName())
                    .append(" is in an operation of its own, at\n")
                    .append(StallWatch.stackOf(thread)));
    Log.warn(message.toString());
  }

  /** Whether a thread runs an operation for itself, of this runtime or another. */
  private static boolean isInOperation(Map.Entry<Thread, StackTraceElement[]> thread) {
    return Stream.of(thread.getValue())
        .anyMatch(
            frame ->
                frame.getClassName().equals(TransfersHere.class.getName())
                    || (frame.getClassName().equals(OperationFuture.class.getName())
                        && frame.getMethodName().equals("runHere")));
  }
}
