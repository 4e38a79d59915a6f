package fileserver;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** An HTTP/1.1 server of the files below a directory. Its event loops never wait for a file: see {@link FileAccess}. */
final class Server implements AutoCloseable {
  private static final int LONGEST_LINE = 8 << 10;
  private static final int LONGEST_HEADERS = 8 << 10;
  private static final int BACKLOG = 1024;

  private final Settings settings;
  private final Service service;
  private final EventLoopGroup loops;
  private final ChannelGroup connections = new DefaultChannelGroup("connections", GlobalEventExecutor.INSTANCE);
  private final Channel listener;

  /**
   * How to serve.
   *
   * @param root the directory whose files are served
   * @param address where to listen; port 0 for any
   * @param threads how many event loops
   * @param listing whether directories without an index are listed
   * @param maxConnections more are closed as soon as they are accepted
   * @param idle how long a connection may do nothing, or a client take nothing of what it is sent
   * @param head how long a client may take for the head of a request, from its first byte on
   * @param grace how long responses under way may take when the server is closed
   * @param log takes lines for the operator
   */
  record Settings(
      Path root,
      InetSocketAddress address,
      int threads,
      boolean listing,
      int maxConnections,
      Duration idle,
      Duration head,
      Duration grace,
      Consumer<String> log) {}

  private Server(Settings settings, Path root, FileAccess access) throws IOException {
    this.settings = settings;
    this.service = new Service(new Site(access, root, settings.listing), access, settings.log);
    this.loops =
        new MultiThreadIoEventLoopGroup(
            settings.threads, new DefaultThreadFactory("file-server-loop", true), NioIoHandler.newFactory());
    try {
      this.listener = bootstrap().bind(settings.address).syncUninterruptibly().channel();
    } catch (Throwable e) {
      stopLoops();
      if (e instanceof IOException) { // which the method does not declare, and throws
        throw new IOException("cannot listen on " + settings.address + ": " + e.getMessage(), e);
      }
      throw e;
    }
  }

  /**
   * Begins to serve.
   *
   * @param settings how
   * @param access reads the files; must stay open longer than the server
   * @return a server that accepts connections
   */
  static Server start(Settings settings, FileAccess access) throws IOException {
    Path root = settings.root.toRealPath();
    if (!Files.isDirectory(root)) {
      throw new NotDirectoryException(root.toString());
    }
    return new Server(settings, root, access);
  }

  private ServerBootstrap bootstrap() {
    return new ServerBootstrap()
        .group(loops)
        .channel(NioServerSocketChannel.class)
        .option(ChannelOption.SO_BACKLOG, BACKLOG)
        .option(ChannelOption.SO_REUSEADDR, true)
        .childOption(ChannelOption.TCP_NODELAY, true)
        .childHandler(
            new ChannelInitializer<SocketChannel>() {
              @Override
              protected void initChannel(SocketChannel channel) {
                accept(channel);
              }
            });
  }

  private void accept(SocketChannel channel) {
    if (connections.size() >= settings.maxConnections) {
      var _ = channel.close();
      return;
    }
    boolean _ = connections.add(channel);
    Connection connection = new Connection(service, settings.head);
    HttpDecoderConfig limits = new HttpDecoderConfig().setMaxInitialLineLength(LONGEST_LINE).setMaxHeaderSize(LONGEST_HEADERS);
    channel
        .pipeline()
        .addLast(new IdleStateHandler(true, 0, 0, settings.idle.toMillis(), TimeUnit.MILLISECONDS))
        .addLast(connection.headLimit())
        .addLast(new HttpServerCodec(limits))
        .addLast(connection);
  }

  int port() {
    return ((InetSocketAddress) listener.localAddress()).getPort();
  }

  /** Accepts no more, lets responses under way be ended for a while, and closes all connections. */
  @Override
  public void close() {
    listener.close().syncUninterruptibly();
    for (Channel channel : connections) {
      channel.eventLoop().execute(() -> {
        Connection connection = channel.pipeline().get(Connection.class);
        if (connection != null) {
          connection.leave();
        }
      });
    }
    boolean _ = connections.newCloseFuture().awaitUninterruptibly(settings.grace.toMillis());
    connections.close().awaitUninterruptibly();
    stopLoops();
  }

  /** By default an event loop stays for two seconds more, in case something comes. */
  private void stopLoops() {
    Future<?> stopped = loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    stopped.syncUninterruptibly();
  }
}
