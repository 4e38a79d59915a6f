package dev.annulus.adapter.lucene;

import dev.annulus.AsyncFile;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Objects;

/** Writes to a new file from its beginning. Does not buffer; for one thread. */
final class FileOutput extends OutputStream {
  /** Heap memory is copied through native memory, which is kept for reuse up to a size. */
  private static final int LONGEST_WRITE_BYTES = 64 * 1024;

  private final IoRuntime runtime;
  private final AsyncFile file;
  private final AsyncFile waitedFor;
  private long position;

  /**
   * @param file open for writing, empty; closed with this stream
   */
  FileOutput(IoRuntime runtime, AsyncFile file) {
    this.runtime = runtime;
    this.file = file;
    this.waitedFor = file.callerRuns();
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int count) throws IOException {
    Objects.checkFromIndexSize(offset, count, bytes.length);
    for (int done = 0; done < count; ) {
      int next = Math.min(count - done, LONGEST_WRITE_BYTES);
      Void _ = Waiting.await(runtime, waitedFor.writeFully(ByteBuffer.wrap(bytes, offset + done, next), position));
      position += next;
      done += next;
    }
  }

  /** Waits for the end, since some file systems tell only then what became of the last writes. */
  @Override
  public void close() throws IOException {
    Void _ = Waiting.await(runtime, file.closeAsync());
  }
}
