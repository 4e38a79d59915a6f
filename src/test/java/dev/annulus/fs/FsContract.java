package dev.annulus.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.annulus.IoRuntime;
import dev.annulus.RuntimeStats;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * All that {@link Fs} and {@link FsFile} promise, whatever the backend and the way of waiting. The parts are interfaces; their
 * tests' names begin with the number of the rule they hold to.
 *
 * <p>The calls under test do not end when they are interrupted, so time limits watch from another thread.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class FsContract
    implements FsCursorContract,
        FsPositionContract,
        FsWholeFileContract,
        FsOpenContract,
        FsLockContract,
        FsDeviceContract,
        FsDirectoryContract,
        FsTreeContract,
        FsErrorContract,
        FsLoadContract,
        FsSystemContract {
  @TempDir Path dir;

  private IoRuntime runtime;
  private Fs fs;

  @BeforeEach
  void open() {
    runtime = configure(IoRuntime.builder()).open();
    fs = Fs.on(runtime, mode());
  }

  @AfterEach
  @Timeout(value = 30, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void close() throws Exception {
    fs.close();
    runtime.close();
    RuntimeStats stats = runtime.stats();
    assertEquals(0, stats.staleCompletions(), "completions of no operation");
    assertEquals(0, stats.abandoned(), "operations given up");
  }

  @Override
  public IoRuntime runtime() {
    return runtime;
  }

  @Override
  public Fs fs() {
    return fs;
  }

  @Override
  public Path dir() {
    return dir;
  }
}
