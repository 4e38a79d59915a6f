package fileserver;

import io.netty.handler.codec.http.HttpResponseStatus;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * Finds what a request asks for, and nothing outside the root.
 *
 * <p>The names of a {@link RequestTarget} can lead out of the root by links only. So the directory that a file is in is resolved, and must
 * then still be in the root; the file in it is opened without following a link. A link at the end is resolved likewise, each time.
 * Links that stay inside the root work.
 *
 * <p><b>Limit.</b> Resolving and opening are two steps, and what was resolved holds for {@link #VALID_NANOS}: whoever can replace a
 * directory below the root by a link can, for that long, have files outside served. Those who may write below the root must be trusted
 * that far. The system has a way to open without such a gap ({@code openat2} with {@code RESOLVE_BENEATH}), the library has not.
 */
final class Site {
  private static final long VALID_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final int MOST_REMEMBERED = 4096;
  private static final String INDEX = "index.html";

  private final FileAccess access;
  private final Path root;
  private final boolean listing;
  private final ConcurrentHashMap<List<String>, Resolved> directories = new ConcurrentHashMap<>();

  private record Resolved(CompletableFuture<Path> path, long since) {}

  /** What a request is answered with. */
  sealed interface Answer {}

  /**
   * A file.
   *
   * @param file open, to be closed
   * @param name its own name, of which its type is made
   */
  record Content(OpenFile file, String name) implements Answer {}

  /**
   * Another address: a directory's with the slash at its end, without which links in its pages would lead elsewhere.
   *
   * @param address where to ask
   */
  record Elsewhere(String address) implements Answer {}

  /**
   * A page made for this request.
   *
   * @param html the page
   */
  record Page(String html) implements Answer {}

  /**
   * @param access the files
   * @param root the directory that is served, without links
   * @param listing whether directories are listed
   */
  Site(FileAccess access, Path root, boolean listing) {
    this.access = access;
    this.root = root;
    this.listing = listing;
  }

  /** What a request is to be answered with; fails with a {@link Refusal}, or what else is the matter. */
  CompletableFuture<Answer> answer(RequestTarget target) {
    if (target.isDirectory()) {
      return directory(target.names()).thenCompose(directory -> indexOf(directory, target));
    }
    List<String> parent = target.names().subList(0, target.names().size() - 1);
    return directory(parent).thenCompose(directory -> find(child(directory, target.names().getLast()), target));
  }

  private CompletableFuture<Answer> find(Path path, RequestTarget target) {
    return found(path).thenCompose(found -> answerOf(found, path, target));
  }

  private static CompletableFuture<Answer> answerOf(FileAccess.Found found, Path path, RequestTarget target) {
    return switch (found) {
      case FileAccess.Regular(OpenFile file) ->
          CompletableFuture.completedFuture(new Content(file, String.valueOf(path.getFileName())));
      case FileAccess.Special.DIRECTORY -> CompletableFuture.completedFuture(new Elsewhere(target.asDirectory()));
      case FileAccess.Special _ -> refused(HttpResponseStatus.FORBIDDEN, "neither a file nor a directory");
    };
  }

  private CompletableFuture<Answer> indexOf(Path directory, RequestTarget target) {
    Path index = directory.resolve(INDEX);
    return found(index)
        .exceptionallyCompose(Site::otherIfMissing)
        .thenCompose(found -> found instanceof FileAccess.Regular ? answerOf(found, index, target) : withoutIndex(directory, target));
  }

  private static CompletableFuture<FileAccess.Found> otherIfMissing(Throwable failure) {
    return Failures.statusOf(failure).equals(HttpResponseStatus.NOT_FOUND)
        ? CompletableFuture.completedFuture(FileAccess.Special.OTHER)
        : CompletableFuture.failedFuture(failure);
  }

  private CompletableFuture<Answer> withoutIndex(Path directory, RequestTarget target) {
    if (listing) {
      // A page of many names takes longer to make than the thread that completes the future may be kept.
      return access.list(directory).thenApplyAsync(names -> new Page(Listing.page(target, names)));
    }
    // A file with a slash behind it comes here too, and is nothing.
    return access.find(directory).thenCompose(found -> {
      close(found);
      return found == FileAccess.Special.DIRECTORY
          ? refused(HttpResponseStatus.FORBIDDEN, "directories are not listed")
          : refused(HttpResponseStatus.NOT_FOUND, "not found");
    });
  }

  private static void close(FileAccess.Found found) {
    if (found instanceof FileAccess.Regular(OpenFile file)) {
      CompletableFuture<Void> _ = file.close();
    }
  }

  /** What is at a path, whose directory has been resolved, or at the end of the link there. */
  private CompletableFuture<FileAccess.Found> found(Path path) {
    return access.find(path).thenCompose(
        found -> found == FileAccess.Special.LINK
            ? resolve(path).thenCompose(access::find)
            : CompletableFuture.completedFuture(found));
  }

  /** A directory's own path. The root needs no look. */
  private CompletableFuture<Path> directory(List<String> names) {
    if (names.isEmpty()) {
      return CompletableFuture.completedFuture(root);
    }
    long now = System.nanoTime();
    Resolved remembered = directories.get(names);
    if (remembered != null && now - remembered.since < VALID_NANOS) {
      return remembered.path;
    }
    Path path = root;
    try {
      for (String name : names) {
        path = path.resolve(name);
      }
    } catch (InvalidPathException e) {
      return refused(HttpResponseStatus.NOT_FOUND, "no file has such a name");
    }
    CompletableFuture<Path> resolving = resolve(path);
    remember(names, new Resolved(resolving, now));
    return resolving;
  }

  private void remember(List<String> names, Resolved resolved) {
    if (directories.size() >= MOST_REMEMBERED) {
      directories.clear();
    }
    directories.put(names, resolved);
    CompletableFuture<Path> _ = resolved.path.whenComplete((_, failure) -> {
      if (failure != null) {
        directories.remove(names, resolved); // it may be there at once
      }
    });
  }

  private CompletableFuture<Path> resolve(Path path) {
    return access.realPath(path).handle((real, failure) -> {
      if (failure == null && real.startsWith(root)) {
        return real;
      }
      if (failure == null) {
        throw new CompletionException(new Refusal(HttpResponseStatus.FORBIDDEN, "a link leads out of the root"));
      }
      Throwable cause = Failures.cause(failure);
      if (cause.getClass() == FileSystemException.class) { // links in a circle, or through a file
        cause = new Refusal(HttpResponseStatus.NOT_FOUND, "a path that leads nowhere");
      }
      throw new CompletionException(cause);
    });
  }

  private static <T> CompletableFuture<T> refused(HttpResponseStatus status, String why) {
    return CompletableFuture.failedFuture(new Refusal(status, why));
  }

  /** The system's encoding of names may be one that this name cannot be written in. */
  private static Path child(Path directory, String name) {
    try {
      return directory.resolve(name);
    } catch (InvalidPathException e) {
      throw new CompletionException(new Refusal(HttpResponseStatus.NOT_FOUND, "no file has such a name"));
    }
  }
}
