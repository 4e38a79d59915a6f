package dev.annulus.adapter.nio;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.annulus.ErrnoException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.Channel;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/** Where a scenario is played with one make of channels: takes down what every call came to, for comparison with another make. */
final class Lab implements AutoCloseable {
  /** One make of channels. */
  interface Make {
    FileChannel open(Path path, OpenOption... options) throws IOException;

    AsynchronousFileChannel openAsynchronous(Path path, OpenOption... options) throws IOException;
  }

  private final Make make;
  private final Path dir;
  private final List<String> transcript = new ArrayList<>();
  private final List<Channel> opened = new ArrayList<>();

  Lab(Make make, Path dir) {
    this.make = make;
    this.dir = dir;
  }

  Path path(String name) {
    return dir.resolve(name);
  }

  /** A file with contents. */
  Path file(String name, String contents) throws IOException {
    return Files.write(path(name), contents.getBytes(ISO_8859_1));
  }

  FileChannel open(Path path, OpenOption... options) throws IOException {
    FileChannel channel = make.open(path, options);
    opened.add(channel);
    return channel;
  }

  AsynchronousFileChannel openAsynchronous(Path path, OpenOption... options) throws IOException {
    AsynchronousFileChannel channel = make.openAsynchronous(path, options);
    opened.add(channel);
    return channel;
  }

  /** Makes a call and takes down what came of it; the value, or {@code null} after an exception. */
  <T> @Nullable T say(String what, Callable<? extends @Nullable T> call) {
    try {
      T value = call.call();
      say(what, text(value));
      return value;
    } catch (Throwable e) {
      say(what, "throws " + text(e));
      return null;
    }
  }

  void say(String what, String text) {
    transcript.add(what + ": " + text);
  }

  /** Takes down a buffer's state and contents. */
  void say(String what, ByteBuffer buffer) {
    byte[] all = new byte[buffer.capacity()];
    buffer.duplicate().clear().get(all);
    say(what, buffer.position() + ".." + buffer.limit() + " " + new String(all, ISO_8859_1));
  }

  /** What was taken down, and all files as they are now. */
  List<String> transcript() throws IOException {
    List<String> all = new ArrayList<>(transcript);
    try (var files = Files.list(dir)) {
      for (Path file : files.sorted().toList()) {
        all.add(file.getFileName() + (Files.isDirectory(file) ? "/" : " = " + contents(file)));
      }
    }
    return all;
  }

  static String contents(Path file) throws IOException {
    return new String(Files.readAllBytes(file), ISO_8859_1);
  }

  @Override
  public void close() throws IOException {
    for (Channel channel : opened) {
      channel.close();
    }
  }

  private String text(@Nullable Object value) {
    return switch (value) {
      case null -> "null";
      case FileLock lock ->
          "lock " + lock.position() + "+" + lock.size() + (lock.isShared() ? " shared" : " exclusive") + " valid=" + lock.isValid();
      case Channel _ -> "channel";
      case ExecutionException e -> "ExecutionException of " + text(Objects.requireNonNull(e.getCause()));
      case ErrnoException _ -> IOException.class.getName(); // where the JDK has only a message
      // Where the JDK is less exact.
      case NotDirectoryException _ -> FileSystemException.class.getName();
      case FileSystemLoopException _ -> IOException.class.getName();
      case Throwable e -> e.getClass().getName();
      default -> String.valueOf(value);
    };
  }
}
