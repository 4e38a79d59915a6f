package dev.annulus;

import dev.annulus.internal.driver.Log;
import java.lang.ref.Cleaner;
import org.jspecify.annotations.Nullable;

/**
 * Stands for an open file that somebody has: the {@link AsyncFile} and all views of it refer to this
 * one object. When nobody has any of them any more, the file is closed, and the log says that it was
 * dropped.
 *
 * <p>The descriptor does not refer to this object, so that it may be in the runtime's books and in
 * the operations in flight. These hold leases, and the descriptor is closed when the last is
 * returned.
 */
final class OpenHandle {
  private static final boolean TRACKS_OPENS = Boolean.getBoolean("dev.annulus.trackOpens");

  private final Cleaner.Cleanable dropped;

  /**
   * @param opening where it was opened, if that is tracked
   */
  OpenHandle(OpenDescriptor descriptor, @Nullable Throwable opening) {
    dropped = Lazy.CLEANER.register(this, new Dropped(descriptor, opening));
    descriptor.watchedBy(dropped);
  }

  /** The stack of who opens a file, if a system property asks for it. */
  static @Nullable Throwable opening() {
    return TRACKS_OPENS ? new Throwable("opened here") : null;
  }

  /** The file was closed, or closing has begun. */
  void closed() {
    dropped.clean();
  }

  /** Made when the first file is opened. */
  private static final class Lazy {
    static final Cleaner CLEANER = Cleaner.create();
  }

  /** Must not refer to the handle. */
  private record Dropped(OpenDescriptor descriptor, @Nullable Throwable opening) implements Runnable {
      @Override
    public void run() {
      if (!descriptor.isOpen()) {
        // Should an error of the JVM have cut the closing.
        descriptor.settleOwed();
        descriptor.closeIfUnused();
        return;
      }
      try {
        Log.warn(message(), opening);
      } catch (RuntimeException e) {
        // Nobody is left to tell.
      } finally {
        descriptor.closeUnheard();
      }
    }

    private String message() {
      String what = "the file " + descriptor.path() + " was dropped without being closed; it is closed now. ";
      return opening == null
          ? what + "Close it when it is done with; -Ddev.annulus.trackOpens=true tells where it was opened"
          : what + "The stack is that of its opening";
    }
  }
}
