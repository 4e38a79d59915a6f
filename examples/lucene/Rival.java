package lucene;

import dev.annulus.IoRuntime;
import dev.annulus.adapter.lucene.AnnulusDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.apache.lucene.misc.store.DirectIODirectory;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSLockFactory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.store.NIOFSDirectory;

/** A way to read the index. */
enum Rival {
  ANNULUS("Annulus") {
    @Override
    Directory open(Path path, IoRuntime runtime) throws IOException {
      return new AnnulusDirectory(path, FSLockFactory.getDefault(), runtime);
    }
  },
  ANNULUS_NO_PREFETCH("Annulus, no prefetch") {
    @Override
    Directory open(Path path, IoRuntime runtime) throws IOException {
      return new AnnulusDirectory(path, FSLockFactory.getDefault(), runtime, 0);
    }
  },
  MMAP("MMap") {
    @Override
    Directory open(Path path, IoRuntime runtime) throws IOException {
      return new MMapDirectory(path);
    }
  },
  NIOFS("NIOFS") {
    @Override
    Directory open(Path path, IoRuntime runtime) throws IOException {
      return new NIOFSDirectory(path);
    }
  },
  /** Made for merges; here it has to read everything, with a buffer that suits searches better. It caches nothing and prefetches nothing. */
  DIRECT("DirectIO") {
    @Override
    Directory open(Path path, IoRuntime runtime) throws IOException {
      return new DirectIODirectory(new NIOFSDirectory(path), DIRECT_BUFFER_BYTES, 0) {
        @Override
        protected boolean useDirectIO(String name, IOContext context, OptionalLong fileLength) {
          return true;
        }
      };
    }
  };

  private static final int DIRECT_BUFFER_BYTES = 16 * 1024;

  private final String title;

  Rival(String title) {
    this.title = title;
  }

  abstract Directory open(Path path, IoRuntime runtime) throws IOException;

  @Override
  public String toString() {
    return title;
  }
}
