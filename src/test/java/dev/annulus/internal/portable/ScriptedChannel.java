package dev.annulus.internal.portable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A channel that answers what it is told to, and notes what it is asked. */
final class ScriptedChannel extends FileChannel {
  /** What transfers answer, one after the other: a count, or an exception to be thrown. Without one, everything. */
  final Deque<Object> answers = new ArrayDeque<>();

  /** What it was asked for: the name, and of transfers the bytes wanted and where. */
  final List<String> asked = new ArrayList<>();

  long size;

  /** What {@link #tryLock} answers. */
  @Nullable FileLock lock;

  int closes;

  private int answer(String what, int wanted) throws IOException {
    asked.add(what);
    Object answer = answers.poll();
    if (answer instanceof IOException e) {
      throw e;
    }
    if (answer instanceof RuntimeException e) {
      throw e;
    }
    return answer == null ? wanted : (int) answer;
  }

  private int transfer(String what, ByteBuffer buffer) throws IOException {
    int count = answer(what, buffer.remaining());
    if (count > 0) {
      ByteBuffer _ = buffer.position(buffer.position() + count);
    }
    return count;
  }

  private long transferAll(String what, ByteBuffer[] buffers, int offset, int length) throws IOException {
    int wanted = 0;
    StringBuilder sizes = new StringBuilder();
    for (int i = offset; i < offset + length; i++) {
      wanted += buffers[i].remaining();
      sizes.append(i == offset ? "" : "+").append(buffers[i].remaining());
    }
    return answer(what + " " + (length > 10 ? length + " buffers" : sizes), wanted);
  }

  @Override
  public int read(ByteBuffer dst) throws IOException {
    return transfer("read " + dst.remaining(), dst);
  }

  @Override
  public long read(ByteBuffer[] dsts, int offset, int length) throws IOException {
    return transferAll("read", dsts, offset, length);
  }

  @Override
  public int read(ByteBuffer dst, long position) throws IOException {
    return transfer("read " + dst.remaining() + " at " + position, dst);
  }

  @Override
  public int write(ByteBuffer src) throws IOException {
    return transfer("write " + src.remaining(), src);
  }

  @Override
  public long write(ByteBuffer[] srcs, int offset, int length) throws IOException {
    return transferAll("write", srcs, offset, length);
  }

  @Override
  public int write(ByteBuffer src, long position) throws IOException {
    return transfer("write " + src.remaining() + " at " + position, src);
  }

  @Override
  public void force(boolean metaData) throws IOException {
    int _ = answer(metaData ? "force with metadata" : "force of data", 0);
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  protected void implCloseChannel() throws IOException {
    closes++;
    int _ = answer("close", 0);
  }

  @Override
  public FileChannel truncate(long newSize) {
    asked.add("truncate to " + newSize);
    size = Math.min(size, newSize);
    return this;
  }

  @Override
  public long position() {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileChannel position(long newPosition) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long transferTo(long position, long count, WritableByteChannel target) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long transferFrom(ReadableByteChannel src, long position, long count) {
    throw new UnsupportedOperationException();
  }

  @Override
  public MappedByteBuffer map(MapMode mode, long position, long bytes) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileLock lock(long position, long bytes, boolean shared) {
    throw new UnsupportedOperationException();
  }

  @Override
  public @Nullable FileLock tryLock(long position, long bytes, boolean shared) {
    asked.add("tryLock");
    return lock;
  }

  /** A lock on this channel that notes when it is given back. */
  final class Lock extends FileLock {
    Lock() {
      super(ScriptedChannel.this, 0, Long.MAX_VALUE, false);
    }

    @Override
    public boolean isValid() {
      return true;
    }

    @Override
    public void release() throws IOException {
      int _ = answer("release", 0);
    }
  }
}
