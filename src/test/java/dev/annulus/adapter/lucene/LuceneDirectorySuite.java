package dev.annulus.adapter.lucene;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSLockFactory;
import org.apache.lucene.tests.mockfile.FilterPath;
import org.apache.lucene.tests.store.BaseChunkedDirectoryTestCase;
import org.junit.AfterClass;
import org.jspecify.annotations.Nullable;

/**
 * Lucene's own suite for directories that read in chunks, which includes the one for all directories. The chunk is what an input reads and
 * prefetches at once, so that each test crosses many of its boundaries.
 *
 * <p>Lucene lays file systems of its own over the test's directories, to see open files and refuse deletions. Names are created, listed and
 * deleted through them; contents go to the files below, as the kernel knows no other.
 */
public abstract class LuceneDirectorySuite extends BaseChunkedDirectoryTestCase {
  private static final int FULL_SIZE = 1 << 14;

  private static @Nullable IoRuntime runtime;

  static void open(Backend backend) {
    runtime = IoRuntime.builder().backend(backend).open();
  }

  /** Lucene looks for threads that are left when a suite ends. */
  @AfterClass
  public static void closeRuntime() {
    IoRuntime open = runtime;
    if (open != null) {
      open.close();
      assertEquals(0, open.stats().inFlight());
      assertEquals(0, open.stats().staleCompletions());
    }
    runtime = null;
  }

  @Override
  protected final Directory getDirectory(Path path, int maxChunkSize) throws IOException {
    int chunk = Math.min(maxChunkSize, FULL_SIZE);
    ReadSizes sizes = new ReadSizes(chunk, Math.max(1, chunk / 4), chunk, 4 * chunk, chunk, 64);
    return new AnnulusDirectory(path, FSLockFactory.getDefault(), opened(), sizes, FilterPath::unwrap);
  }

  private static IoRuntime opened() {
    if (runtime == null) {
      throw new AssertionError("the suite has not opened its runtime");
    }
    return runtime;
  }
}
