package dev.annulus;

import static dev.annulus.BadInput.nothing;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;

import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.attribute.FileAttribute;
import java.time.Duration;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** The bad calls of {@link IoRuntime} and its builder. */
final class IoRuntimeBadInput {
  private static final String OPEN = "IoRuntime.openFile(Path,OpenOption[])";
  private static final String OPEN_WITH = "IoRuntime.openFile(Path,Set,FileAttribute[])";
  private static final String CREATE_DIRECTORY = "IoRuntime.createDirectory(Path,FileAttribute[])";

  /** Refused because it is closed. */
  private static final Set<ErrorKind> CLOSED = Set.of(ErrorKind.CLOSED);

  private interface OnPath {
    CompletableFuture<?> call(IoRuntime runtime, Path path);
  }

  private interface OnPaths {
    CompletableFuture<?> call(IoRuntime runtime, Path one, Path other);
  }

  private final BadInput.Table table;

  private IoRuntimeBadInput(BadInput.Table table) {
    this.table = table;
  }

  static void addTo(BadInput.Table table) {
    IoRuntimeBadInput bad = new IoRuntimeBadInput(table);
    bad.onOnePath();
    bad.onTwoPaths();
    bad.options();
    bad.builder();
    table.blocking("IoRuntime.addListener(RuntimeListener)", "null", NullPointerException.class, on -> on.runtime.addListener(nothing()));
    table.blocking(
        "IoRuntime.removeListener(RuntimeListener)", "null", NullPointerException.class, on -> on.runtime.removeListener(nothing()));
    table.failing("IoRuntime.nop()", "runtime closed", CLOSED, on -> on.closedRuntime.nop());
  }

  private void onOnePath() {
    path(OPEN, IoRuntime::openFile);
    path(OPEN_WITH, (runtime, path) -> runtime.openFile(path, Set.of(READ)));
    path("IoRuntime.stat(Path,LinkOption[])", IoRuntime::stat);
    path(CREATE_DIRECTORY, IoRuntime::createDirectory);
    path("IoRuntime.delete(Path)", IoRuntime::delete);
    path("IoRuntime.deleteFile(Path)", IoRuntime::deleteFile);
    path("IoRuntime.syncDirectory(Path)", IoRuntime::syncDirectory);
    path("IoRuntime.readDirectory(Path)", IoRuntime::readDirectory);
    path("IoRuntime.removeTree(Path)", IoRuntime::removeTree);
    path("IoRuntime.directAlignment(Path)", IoRuntime::directAlignment);
  }

  private void path(String method, OnPath call) {
    table.thrown(method, "null", NullPointerException.class, on -> call.call(on.runtime, nothing()));
    table.thrown(method, "another file system", ProviderMismatchException.class, on -> call.call(on.runtime, on.foreign));
    table.failing(method, "runtime closed", CLOSED, on -> call.call(on.closedRuntime, on.path));
  }

  private void onTwoPaths() {
    paths("IoRuntime.rename(Path,Path)", IoRuntime::rename);
    paths("IoRuntime.link(Path,Path)", IoRuntime::link);
  }

  private void paths(String method, OnPaths call) {
    table.thrown(method, "null first", NullPointerException.class, on -> call.call(on.runtime, nothing(), on.path));
    table.thrown(method, "null second", NullPointerException.class, on -> call.call(on.runtime, on.path, nothing()));
    table.thrown(
        method, "first in another file system", ProviderMismatchException.class, on -> call.call(on.runtime, on.foreign, on.path));
    table.thrown(
        method, "second in another file system", ProviderMismatchException.class, on -> call.call(on.runtime, on.path, on.foreign));
    table.failing(method, "runtime closed", CLOSED, on -> call.call(on.closedRuntime, on.path, on.dir.resolve("new")));
  }

  private void options() {
    OpenOption unknown = new OpenOption() {};
    FileAttribute<?> unsupported = new Attribute("unix:mode", 0);
    Set<OpenOption> withNull = new HashSet<>();
    withNull.add(nothing());
    table.thrown(OPEN, "null options", NullPointerException.class, on -> on.runtime.openFile(on.path, (OpenOption[]) nothing()));
    table.thrown(OPEN, "null among the options", NullPointerException.class, on -> on.runtime.openFile(on.path, READ, nothing()));
    table.thrown(OPEN, "unknown option", UnsupportedOperationException.class, on -> on.runtime.openFile(on.path, READ, unknown));
    table.thrown(
        OPEN,
        "append with truncate",
        IllegalArgumentException.class,
        on -> on.runtime.openFile(on.path, APPEND, TRUNCATE_EXISTING));
    table.thrown(
        OPEN_WITH, "null options", NullPointerException.class, on -> on.runtime.openFile(on.path, BadInput.<Set<OpenOption>>nothing()));
    table.thrown(OPEN_WITH, "null among the options", NullPointerException.class, on -> on.runtime.openFile(on.path, withNull));
    table.thrown(
        OPEN_WITH,
        "append with truncate",
        IllegalArgumentException.class,
        on -> on.runtime.openFile(on.path, Set.of(APPEND, TRUNCATE_EXISTING)));
    table.thrown(
        OPEN_WITH,
        "null attribute",
        NullPointerException.class,
        on -> on.runtime.openFile(on.path, Set.of(READ), BadInput.<FileAttribute<?>>nothing()));
    table.thrown(
        OPEN_WITH,
        "unknown attribute",
        UnsupportedOperationException.class,
        on -> on.runtime.openFile(on.path, Set.of(READ), unsupported));
    table.thrown(
        "IoRuntime.stat(Path,LinkOption[])",
        "null option",
        NullPointerException.class,
        on -> on.runtime.stat(on.path, BadInput.<LinkOption>nothing()));
    table.thrown(
        CREATE_DIRECTORY,
        "null attribute",
        NullPointerException.class,
        on -> on.runtime.createDirectory(on.dir.resolve("new"), BadInput.<FileAttribute<?>>nothing()));
    table.thrown(
        CREATE_DIRECTORY,
        "unknown attribute",
        UnsupportedOperationException.class,
        on -> on.runtime.createDirectory(on.dir.resolve("new"), unsupported));
  }

  private record Attribute(String name, Object value) implements FileAttribute<Object> {}

  private void builder() {
    for (int bad : new int[] {0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
      builder("maxInFlight(int)", "" + bad, IllegalArgumentException.class, builder -> builder.maxInFlight(bad));
      builder("maxQueued(int)", "" + bad, IllegalArgumentException.class, builder -> builder.maxQueued(bad));
    }
    for (int bad : new int[] {-1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
      builder("bufferPool(int)", "" + bad, IllegalArgumentException.class, builder -> builder.bufferPool(bad));
    }
    builder("durability(Durability)", "null", NullPointerException.class, b -> b.durability(nothing()));
    builder("closeTimeout(Duration)", "negative", IllegalArgumentException.class, b -> b.closeTimeout(Duration.ofNanos(-1)));
    builder("closeTimeout(Duration)", "null", NullPointerException.class, b -> b.closeTimeout(nothing()));
    builder("stallWarning(Duration)", "negative", IllegalArgumentException.class, b -> b.stallWarning(Duration.ofNanos(-1)));
    builder("stallWarning(Duration)", "null", NullPointerException.class, b -> b.stallWarning(nothing()));
    builder("backend(Backend)", "null", NullPointerException.class, b -> b.backend(nothing()));
    builder("whenFull(WhenFull)", "null", NullPointerException.class, b -> b.whenFull(nothing()));
    builder("completionExecutor(Executor)", "null", NullPointerException.class, b -> b.completionExecutor(nothing()));
    builder("threadName(String)", "null", NullPointerException.class, b -> b.threadName(nothing()));
  }

  private interface OnBuilder {
    Object call(IoRuntime.Builder builder);
  }

  private void builder(String signature, String what, Class<? extends Throwable> type, OnBuilder call) {
    table.blocking("Builder." + signature, what, type, _ -> Objects.requireNonNull(call.call(IoRuntime.builder())));
  }
}
