package dev.annulus.adapter.lucene;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.annulus.AsyncFile;
import dev.annulus.IoRuntime;
import dev.annulus.Sync;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.IndexOutput;
import org.apache.lucene.store.LockFactory;
import org.apache.lucene.store.OutputStreamIndexOutput;
import org.jspecify.annotations.Nullable;

/**
 * A directory of an index whose files are read, written and synced through an {@link IoRuntime}.
 *
 * <p><b>Reading.</b> {@link IndexInput#prefetch} starts reads into memory of the directory's, whose data later reads of the file take, of
 * the same input or of any clone or slice; what Lucene prefetches, such as the documents of a page of hits, is fetched all at once. The
 * memory is bounded: when it is full, blocks that have arrived make room in the order they were asked for, and prefetches beyond what is
 * under way are left out, as the hints they are; so are most of those of files that are found in the page cache again and again. Other reads fill a buffer of the input's own; a platform thread does them itself as a plain
 * system call, a virtual thread waits without holding its carrier. {@link IndexInput#isLoaded} does not know.
 *
 * <p><b>Writing.</b> {@link #sync} submits the syncs of all files before it waits for the first.
 *
 * <p><b>Interrupts</b> neither close a file nor end a read, so searches may be interrupted, unlike with {@code NIOFSDirectory}.
 *
 * <p><b>Closing.</b> Closing an input gives up its prefetches in flight and waits until nothing touches the file; clones and slices then
 * throw {@link org.apache.lucene.store.AlreadyClosedException}. Closing the directory closes neither its inputs nor the runtime; the runtime
 * must be open for as long as the directory or any input is used. Neither Lucene's searches nor its writers may run on the runtime's own
 * threads.
 *
 * <p>Safe for use by many threads, as far as {@link org.apache.lucene.store.Directory} is.
 */
public final class AnnulusDirectory extends FSDirectory {
  /** How much memory prefetched data may take, in bytes, unless said otherwise. */
  public static final long DEFAULT_MAX_PREFETCH_BYTES = 16L * 1024 * 1024;

  private static final int OUTPUT_BUFFER_BYTES = 16 * 1024;

  /** Each file that is synced is open meanwhile, and the system bounds how many may be. */
  private static final int MOST_SYNCS_AT_ONCE = 256;

  private final IoRuntime runtime;
  private final ReadSizes sizes;
  private final PrefetchPool pool;
  private final UnaryOperator<Path> realPath;
  private final AtomicLong nextTempFile = new AtomicLong();

  /**
   * A directory that prefetches into up to {@link #DEFAULT_MAX_PREFETCH_BYTES} of memory.
   *
   * @param path of the default file system; created with its parents if it does not exist
   * @param lockFactory locks the index, such as {@link org.apache.lucene.store.FSLockFactory#getDefault()}
   * @param runtime carries out the I/O; stays the caller's
   * @throws IOException if the path cannot be created or followed
   * @throws ProviderMismatchException for a path of another file system
   */
  public AnnulusDirectory(Path path, LockFactory lockFactory, IoRuntime runtime) throws IOException {
    this(path, lockFactory, runtime, DEFAULT_MAX_PREFETCH_BYTES);
  }

  /**
   * A directory with a limit of one's own for prefetched data.
   *
   * @param path of the default file system; created with its parents if it does not exist
   * @param lockFactory locks the index
   * @param runtime carries out the I/O; stays the caller's
   * @param maxPrefetchBytes how much native memory prefetched data may take; below 64 KiB nothing is prefetched
   * @throws IOException if the path cannot be created or followed
   * @throws ProviderMismatchException for a path of another file system
   */
  public AnnulusDirectory(Path path, LockFactory lockFactory, IoRuntime runtime, long maxPrefetchBytes) throws IOException {
    this(checked(path), lockFactory, runtime, ReadSizes.withPrefetchMemory(maxPrefetchBytes), UnaryOperator.identity());
  }

  /**
   * @param realPath what a path of the directory's file system is in the default one, for tests that put one on top of the other
   */
  AnnulusDirectory(Path path, LockFactory lockFactory, IoRuntime runtime, ReadSizes sizes, UnaryOperator<Path> realPath)
      throws IOException {
    Objects.requireNonNull(runtime, "runtime");
    super(path, lockFactory);
    this.runtime = runtime;
    this.sizes = sizes;
    this.pool = new PrefetchPool(sizes.block(), sizes.blocks());
    this.realPath = realPath;
  }

  @Override
  public IndexInput openInput(String name, IOContext context) throws IOException {
    ensureOpen();
    ensureCanRead(name);
    AsyncFile file = Waiting.await(runtime, runtime.openFile(real(name), READ));
    try {
      long length = Waiting.await(runtime, file.callerRuns().size());
      return new AnnulusIndexInput(
          "AnnulusIndexInput(path=\"" + directory.resolve(name) + "\")", new InputFile(runtime, file, length, sizes, pool), context);
    } catch (Throwable e) {
      file.close();
      throw e;
    }
  }

  @Override
  public IndexOutput createOutput(String name, IOContext context) throws IOException {
    ensureOpen();
    retryPendingDeletions();
    return create(name);
  }

  @Override
  public IndexOutput createTempOutput(String prefix, String suffix, IOContext context) throws IOException {
    ensureOpen();
    retryPendingDeletions();
    while (true) {
      try {
        return create(getTempFileName(prefix, suffix, nextTempFile.getAndIncrement()));
      } catch (FileAlreadyExistsException _) {
        // On to the next number.
      }
    }
  }

  /**
   * Puts files on stable storage: submits the syncs of all of them, then waits. If some fail the others are done all the same, and the first
   * failure is thrown with the others suppressed in it.
   */
  @Override
  public void sync(Collection<String> names) throws IOException {
    ensureOpen();
    List<String> all = List.copyOf(names);
    for (int start = 0; start < all.size(); start += MOST_SYNCS_AT_ONCE) {
      List<CompletableFuture<Void>> syncs = new ArrayList<>();
      for (String name : all.subList(start, Math.min(all.size(), start + MOST_SYNCS_AT_ONCE))) {
        syncs.add(runtime.openFile(real(name), WRITE).thenCompose(AnnulusDirectory::syncAndClose));
      }
      Waiting.awaitAll(runtime, syncs);
    }
    retryPendingDeletions();
  }

  @Override
  public void syncMetaData() throws IOException {
    ensureOpen();
    Void _ = Waiting.await(runtime, runtime.syncDirectory(realPath.apply(directory)));
    retryPendingDeletions();
  }

  /** How many blocks of prefetch memory are in use. */
  int prefetchBlocksInUse() {
    return pool.inUse();
  }

  private IndexOutput create(String name) throws IOException {
    AsyncFile file = Waiting.await(runtime, runtime.openFile(real(name), WRITE, CREATE_NEW));
    String description = "AnnulusIndexOutput(path=\"" + directory.resolve(name) + "\")";
    return new OutputStreamIndexOutput(description, name, new FileOutput(runtime, file), OUTPUT_BUFFER_BYTES);
  }

  private static CompletableFuture<Void> syncAndClose(AsyncFile file) {
    CompletableFuture<Void> synced = file.sync(Sync.ALL);
    return synced
        .handle((_, failure) -> failure)
        .thenCompose(
            failure ->
                file.closeAsync()
                    .handle((_, notClosed) -> failure == null ? notClosed : failure)
                    .thenCompose(AnnulusDirectory::endedWith));
  }

  private static CompletableFuture<Void> endedWith(@Nullable Throwable failure) {
    return failure == null ? CompletableFuture.completedFuture(null) : CompletableFuture.failedFuture(failure);
  }

  /**
   * Deletes what could not be deleted before, where there is such a thing. A name that is about to be given to a new file must not stay on
   * that list: the new file would be deleted for it.
   */
  private void retryPendingDeletions() throws IOException {
    deletePendingFiles();
  }

  private Path real(String name) {
    return realPath.apply(directory.resolve(name));
  }

  @SuppressWarnings("ReferenceEquality") // there is one default file system
  private static Path checked(Path path) {
    if (path.getFileSystem() != FileSystems.getDefault()) {
      throw new ProviderMismatchException("not a path of the default file system: " + path);
    }
    return path;
  }
}
