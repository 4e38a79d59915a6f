package fileserver;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpResponse;
import java.io.EOFException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Sends a part of a file, as fast as the client takes it: a chunk is read only when the channel is writable, and one at a time. So a client
 * that stops reading holds two chunks at most, one that waits to be written and one that was read meanwhile. Everything here runs on the
 * channel's event loop.
 */
final class Transfer {
  static final int CHUNK_BYTES = 64 << 10;

  /** Then others on the same event loop have their turn: what is cached can be sent without end to a client that is quick. */
  private static final int CHUNKS_PER_TURN = 16;

  private final ChannelHandlerContext ctx;
  private final FileAccess access;
  private final OpenFile file;
  private final Observer observer;

  /** Sent with the first chunk, so that a file that cannot be read at all is answered with an error; {@code null} when it has been sent. */
  private @Nullable HttpResponse head;

  private long position;
  private long left;
  private @Nullable CompletableFuture<Integer> reading;
  private boolean running;
  private boolean over;

  /** Is told once how it ended, if it was not cancelled. */
  interface Observer {
    /**
     * Everything has been handed to the channel.
     *
     * @param sent completes when it has been sent
     */
    void transferred(ChannelFuture sent);

    /**
     * The file could not be read.
     *
     * @param failure why
     * @param headSent whether the client has been promised all of it already
     */
    void transferFailed(Throwable failure, boolean headSent);
  }

  /** Takes the file over: it is closed here. */
  Transfer(ChannelHandlerContext ctx, FileAccess access, OpenFile file, HttpResponse head, ByteRange part, Observer observer) {
    this.ctx = ctx;
    this.access = access;
    this.file = file;
    this.head = head;
    this.position = part.first();
    this.left = part.length();
    this.observer = observer;
  }

  /** Goes on if it can; to be called whenever the channel has become writable, which is also in the midst of a write of our own. */
  void resume() {
    if (running) {
      return;
    }
    running = true;
    for (int chunks = 0; !over && reading == null && ctx.channel().isWritable(); chunks++) {
      if (chunks == CHUNKS_PER_TURN) {
        ctx.executor().execute(this::resume);
        break;
      }
      readNext();
    }
    running = false;
  }

  /** Whether it can only go on when the client has taken something. */
  boolean waitsForClient() {
    return !over && reading == null;
  }

  /** The client is gone. */
  void cancel() {
    CompletableFuture<Integer> inFlight = reading;
    end();
    if (inFlight != null) {
      inFlight.cancel(true);
    }
  }

  private void readNext() {
    Chunk chunk = access.chunk((int) Math.min(CHUNK_BYTES, left));
    CompletableFuture<Integer> read = begin(chunk);
    reading = read;
    if (read.isDone()) {
      CompletableFuture<Integer> _ = read.whenComplete((count, failure) -> arrived(chunk, count, failure));
      return;
    }
    CompletableFuture<Integer> _ = read.whenCompleteAsync(
        (count, failure) -> {
          running = true;
          arrived(chunk, count, failure);
          running = false;
          resume();
        },
        ctx.executor());
  }

  private CompletableFuture<Integer> begin(Chunk chunk) {
    try {
      return file.read(chunk, position);
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private void arrived(Chunk chunk, @Nullable Integer count, @Nullable Throwable failure) {
    reading = null;
    if (over) {
      chunk.close(); // also while the kernel has not let go of it: the chunk waits for that
    } else if (failure != null || count == null) {
      chunk.close();
      fail(failure == null ? new EOFException() : failure);
    } else if (count <= 0) {
      chunk.close();
      fail(new EOFException("the file became shorter while it was sent: " + left + " bytes are missing at " + position));
    } else {
      position += count;
      left -= count;
      send(chunk);
    }
  }

  private void send(Chunk chunk) {
    HttpResponse unsentHead = head;
    if (unsentHead != null) {
      head = null;
      ChannelFuture _ = ctx.write(unsentHead);
    }
    ByteBuf bytes = Unpooled.wrappedBuffer(chunk.buffer().flip());
    HttpContent content = left == 0 ? new DefaultLastHttpContent(bytes) : new DefaultHttpContent(bytes);
    ChannelFuture sent = ctx.writeAndFlush(content);
    ChannelFuture _ = sent.addListener(_ -> chunk.close()); // the socket has it, or nobody will
    if (left == 0 && !over) {
      end();
      observer.transferred(sent);
    }
  }

  private void fail(Throwable failure) {
    end();
    observer.transferFailed(failure, head == null);
  }

  private void end() {
    if (!over) {
      over = true;
      CompletableFuture<Void> _ = file.close();
    }
  }
}
