package dev.annulus.adapter.leveldb;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.annulus.fs.FsFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.LocalDateTime;
import org.iq80.leveldb.Logger;
import org.iq80.leveldb.util.LogMessageFormatter;

/**
 * The engine's messages for people, a line each, in a file opened for appending. Safe for use by many threads.
 *
 * <p>There is nobody to tell that a line could not be written, and a database does not stop for that: the line is lost.
 */
final class InfoLog implements Logger {
  private final FsFile file;
  private final LogMessageFormatter formatter = new LogMessageFormatter(LocalDateTime::now);

  InfoLog(FsFile file) {
    this.file = file;
  }

  @Override
  public void log(String message) {
    write(formatter.format(message));
  }

  @Override
  public void log(String template, Object... args) {
    write(formatter.format(template, args));
  }

  private void write(String line) {
    try {
      int _ = file.writeAt(ByteBuffer.wrap((line + "\n").getBytes(UTF_8)), 0);
    } catch (IOException e) {
      // Lost, see above.
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
