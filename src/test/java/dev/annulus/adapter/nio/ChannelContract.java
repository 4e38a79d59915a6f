package dev.annulus.adapter.nio;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the suites of channels share: a runtime on the backend under test, and playing a scenario with both makes of channels. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class ChannelContract {
  static final Lab.Make JDK =
      new Lab.Make() {
        @Override
        public FileChannel open(Path path, OpenOption... options) throws IOException {
          return FileChannel.open(path, options);
        }

        @Override
        public AsynchronousFileChannel openAsynchronous(Path path, OpenOption... options) throws IOException {
          return AsynchronousFileChannel.open(path, options);
        }
      };

  final Lab.Make ours =
      new Lab.Make() {
        @Override
        public FileChannel open(Path path, OpenOption... options) throws IOException {
          return AnnulusFileChannel.open(runtime, path, options);
        }

        @Override
        public AsynchronousFileChannel openAsynchronous(Path path, OpenOption... options) throws IOException {
          return AnnulusAsynchronousFileChannel.open(runtime, path, options);
        }
      };

  @SuppressWarnings("NullAway.Init") // the test framework
  @TempDir
  Path dir;

  @SuppressWarnings("NullAway.Init") // openRuntime
  IoRuntime runtime;

  /** The backend under test. */
  abstract Backend backend();

  @BeforeEach
  final void openRuntime() {
    runtime = IoRuntime.builder().backend(backend()).closeTimeout(Duration.ofSeconds(5)).open();
    assertEquals(backend(), runtime.backend());
  }

  @AfterEach
  final void closeRuntime() {
    runtime.close();
    assertEquals(0, runtime.stats().inFlight(), "operations in flight after close");
  }

  /** A scenario to play. */
  interface Play {
    void in(Lab lab) throws Exception;
  }

  /** Plays it with the JDK's channels and with ours, and compares what every call came to and what is in the files. */
  final void assertPlaysAlike(Play play) throws Exception {
    assertEquals(played(JDK, "jdk", play), played(ours, "ours", play));
  }

  /** Makes a call on the runtime's own thread. A dependent of a future runs there only if it comes before the end of the operation. */
  final <T> T onRuntimeThread(Supplier<T> call) throws Exception {
    for (int i = 0; i < 10_000; i++) {
      Optional<T> result =
          runtime.nop().thenApply(_ -> runtime.isRuntimeThread() ? Optional.of(call.get()) : Optional.<T>empty()).get();
      if (result.isPresent()) {
        return result.get();
      }
    }
    throw new AssertionError("no dependent ran on the runtime's thread");
  }

  private String played(Lab.Make make, String name, Play play) throws Exception {
    Path place = Files.createDirectory(dir.resolve(name));
    List<String> transcript;
    try (Lab lab = new Lab(make, place)) {
      play.in(lab);
      transcript = lab.transcript();
    }
    return String.join("\n", transcript);
  }
}
