package fileserver;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A client's connection: its requests one after the other, however many it sends at once. */
final class Connection extends SimpleChannelInboundHandler<HttpObject> implements Exchange.Owner, HeadLimit.Listener {
  /** With more of them waiting, nothing more is read from the socket. */
  private static final int MOST_WAITING = 16;

  /** How long a client that was told that this is the end may take to notice. */
  private static final int LINGER_SECONDS = 1;

  private final Service service;
  private final HeadLimit headLimit;
  private final Queue<HttpRequest> waiting = new ArrayDeque<>();
  private @Nullable ChannelHandlerContext context;
  private @Nullable Exchange current;
  private boolean starting;
  private boolean leaving;
  private boolean ended;

  /**
   * @param head how long the head of a request may take
   */
  Connection(Service service, Duration head) {
    this.service = service;
    this.headLimit = new HeadLimit(head, this);
  }

  /** What must come before the decoder. */
  HeadLimit headLimit() {
    return headLimit;
  }

  /** A client whose earlier requests are still being answered, and that may not be read from, is not late. */
  @Override
  public boolean headIsLate() {
    ChannelHandlerContext ctx = context;
    if (ctx == null || ended) {
      return true;
    }
    if (current != null || !waiting.isEmpty()) {
      return false;
    }
    FullHttpResponse late =
        new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.REQUEST_TIMEOUT, Unpooled.EMPTY_BUFFER);
    HttpUtil.setContentLength(late, 0);
    HttpUtil.setKeepAlive(late, false);
    endAfter(ctx.writeAndFlush(late), ctx);
    return true;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
  }

  /** Lets the response under way be the last. On the channel's event loop. */
  void leave() {
    leaving = true;
    ChannelHandlerContext ctx = context;
    if (current == null && ctx != null) {
      ChannelFuture _ = ctx.close();
    }
  }

  /** Bodies of requests are thrown away. */
  @Override
  protected void channelRead0(ChannelHandlerContext ctx, HttpObject message) {
    if (message instanceof HttpRequest request) {
      headLimit.headArrived();
      if (!ended) {
        waiting.add(request);
        startNext(ctx);
      }
    }
    if (message instanceof LastHttpContent) {
      headLimit.bodyArrived();
    }
  }

  private void startNext(ChannelHandlerContext ctx) {
    if (starting) {
      return; // an exchange that has ended while it was begun: the loop below goes on
    }
    starting = true;
    while (current == null && !ended && !waiting.isEmpty()) {
      Exchange next = new Exchange(ctx, service, waiting.remove(), !leaving, this);
      current = next;
      next.begin();
    }
    starting = false;
    boolean _ = ctx.channel().config().setAutoRead(waiting.size() < MOST_WAITING).isAutoRead();
  }

  @Override
  public void responded(ChannelFuture sent, boolean keepAlive) {
    current = null;
    ChannelHandlerContext ctx = context;
    if (ctx == null) {
      return;
    }
    if (keepAlive && !leaving) {
      startNext(ctx);
    } else {
      endAfter(sent, ctx);
    }
  }

  /** Closing with unread bytes from the client would make the system throw away what the client has not received yet. */
  private void endAfter(ChannelFuture sent, ChannelHandlerContext ctx) {
    ended = true;
    waiting.clear();
    ChannelFuture _ = sent.addListener(_ -> {
      if (ctx.channel() instanceof DuplexChannel duplex && duplex.isActive()) {
        ChannelFuture _ = duplex.shutdownOutput();
        ScheduledFuture<?> _ = ctx.executor().schedule(() -> close(ctx), LINGER_SECONDS, TimeUnit.SECONDS);
      }
    });
  }

  private static void close(ChannelHandlerContext ctx) {
    ChannelFuture _ = ctx.close();
  }

  @Override
  public void broken() {
    current = null;
    ended = true;
    ChannelHandlerContext ctx = context;
    if (ctx != null) {
      ChannelFuture _ = ctx.close();
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (current != null && ctx.channel().isWritable()) {
      current.resume();
    }
  }

  /** Nothing came and nothing went for {@link Server.Settings#idle}. When that is a disk's fault, the client is not made to pay. */
  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof IdleStateEvent && (current == null || current.waitsForClient())) {
      ChannelFuture _ = ctx.close();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    ended = true;
    waiting.clear();
    if (current != null) {
      current.cancel();
      current = null;
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (!(cause instanceof IOException)) { // a client that has gone is nothing to report
      service.log().accept(Complaint.of(cause));
    }
    ChannelFuture _ = ctx.close();
  }
}
