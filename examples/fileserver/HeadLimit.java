package fileserver;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Watches how long a client takes for the head of a request, from its first byte to its last. Without a
 * limit a client that sends a byte now and then is never idle and never done, and holds a connection
 * for as long as it likes. On the channel's event loop.
 */
final class HeadLimit extends ChannelInboundHandlerAdapter {
  private final Duration limit;
  private final Listener listener;
  private boolean inBody;
  private @Nullable ScheduledFuture<?> timer;

  /** Hears that a head takes too long. */
  interface Listener {
    /** Whether this is the client's doing, and the end; else it is given the same time once more. */
    boolean headIsLate();
  }

  HeadLimit(Duration limit, Listener listener) {
    this.limit = limit;
    this.listener = listener;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (timer == null && !inBody) {
      start(ctx);
    }
    ctx.fireChannelRead(message);
  }

  /** A head is complete; its body follows. */
  void headArrived() {
    stop();
    inBody = true;
  }

  /** The body is complete, if there was one; the next head may follow. */
  void bodyArrived() {
    inBody = false;
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    stop();
    ctx.fireChannelInactive();
  }

  private void start(ChannelHandlerContext ctx) {
    timer = ctx.executor().schedule(() -> timeIsUp(ctx), limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void timeIsUp(ChannelHandlerContext ctx) {
    timer = null;
    if (!listener.headIsLate()) {
      start(ctx);
    }
  }

  private void stop() {
    if (timer != null) {
      boolean _ = timer.cancel(false);
      timer = null;
    }
  }
}
