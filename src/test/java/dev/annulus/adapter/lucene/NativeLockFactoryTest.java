package dev.annulus.adapter.lucene;

import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.NativeFSLockFactory;
import org.apache.lucene.tests.mockfile.FilterPath;
import org.apache.lucene.tests.store.BaseLockFactoryTestCase;
import org.apache.lucene.tests.util.LuceneTestCase.SuppressFileSystems;
import org.junit.After;
import org.junit.Before;
import org.jspecify.annotations.Nullable;

/** Lucene's own suite for locks, with an index in our directory locked by {@link NativeFSLockFactory}. */
@SuppressFileSystems("WindowsFS") // on which one of its tests gives up
public class NativeLockFactoryTest extends BaseLockFactoryTestCase {
  private @Nullable IoRuntime runtime;

  @Before
  public void openRuntime() {
    runtime = IoRuntime.open();
  }

  @After
  public void closeRuntime() {
    if (runtime != null) {
      runtime.close();
    }
  }

  @Override
  protected Directory getDirectory(Path path) throws IOException {
    if (runtime == null) {
      throw new AssertionError("no runtime");
    }
    ReadSizes sizes = ReadSizes.withPrefetchMemory(AnnulusDirectory.DEFAULT_MAX_PREFETCH_BYTES);
    return new AnnulusDirectory(path, NativeFSLockFactory.INSTANCE, runtime, sizes, FilterPath::unwrap);
  }
}
