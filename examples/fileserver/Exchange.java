package fileserver;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One request and its response. Everything here runs on the channel's event loop. */
final class Exchange implements Transfer.Observer {
  private static final String HTML = "text/html; charset=utf-8";
  private static final String TEXT = "text/plain; charset=utf-8";

  private final ChannelHandlerContext ctx;
  private final Service service;
  private final HttpRequest request;
  private final Owner owner;
  private boolean keepAlive;
  private boolean gone;
  private @Nullable Transfer transfer;

  /** The connection it belongs to. */
  interface Owner {
    /**
     * The response has been handed to the channel, whole, and the next one may follow.
     *
     * @param sent completes when it has been sent
     * @param keepAlive whether another one may follow at all
     */
    void responded(ChannelFuture sent, boolean keepAlive);

    /** The response was begun and cannot be ended: the client must not take what it has got for all of it. */
    void broken();
  }

  Exchange(ChannelHandlerContext ctx, Service service, HttpRequest request, boolean mayStay, Owner owner) {
    this.ctx = ctx;
    this.service = service;
    this.request = request;
    this.owner = owner;
    this.keepAlive = mayStay && HttpUtil.isKeepAlive(request);
  }

  void begin() {
    CompletableFuture<Site.Answer> answer;
    try {
      answer = service.site().answer(target());
    } catch (Refusal e) {
      refuse(e);
      return;
    }
    if (answer.isDone()) {
      CompletableFuture<Site.Answer> _ = answer.whenComplete(this::answered);
    } else {
      CompletableFuture<Site.Answer> _ = answer.whenCompleteAsync(this::answered, ctx.executor());
    }
  }

  /** The channel has become writable. */
  void resume() {
    if (transfer != null) {
      transfer.resume();
    }
  }

  /** Whether the client, not a file, keeps it from going on. */
  boolean waitsForClient() {
    return transfer != null && transfer.waitsForClient();
  }

  /** The client is gone. */
  void cancel() {
    gone = true;
    if (transfer != null) {
      transfer.cancel();
    }
  }

  private RequestTarget target() throws Refusal {
    if (request.decoderResult().isFailure()) {
      keepAlive = false; // nobody knows where the next request begins
      throw refusalOf(request.decoderResult().cause());
    }
    HttpVersion version = request.protocolVersion();
    if (!version.equals(HttpVersion.HTTP_1_0) && !version.equals(HttpVersion.HTTP_1_1)) {
      keepAlive = false;
      throw new Refusal(HttpResponseStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.0 and HTTP/1.1");
    }
    if (request.headers().contains(HttpHeaderNames.EXPECT)) {
      keepAlive = false; // whether a body comes is up to the client
    }
    int hosts = request.headers().getAll(HttpHeaderNames.HOST).size();
    if (hosts > 1 || (hosts == 0 && version.equals(HttpVersion.HTTP_1_1))) {
      throw new Refusal(HttpResponseStatus.BAD_REQUEST, "there must be one Host header");
    }
    if (!request.method().equals(HttpMethod.GET) && !isHead()) {
      throw new Refusal(HttpResponseStatus.METHOD_NOT_ALLOWED, "only GET and HEAD");
    }
    return RequestTarget.parse(request.uri());
  }

  private static Refusal refusalOf(Throwable malformed) {
    if (malformed instanceof TooLongHttpLineException) {
      return new Refusal(HttpResponseStatus.REQUEST_URI_TOO_LONG, "the request line is too long");
    }
    if (malformed instanceof TooLongHttpHeaderException) {
      return new Refusal(HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are too long");
    }
    return new Refusal(HttpResponseStatus.BAD_REQUEST, "this is not HTTP");
  }

  private boolean isHead() {
    return request.method().equals(HttpMethod.HEAD);
  }

  private void answered(Site.@Nullable Answer answer, @Nullable Throwable failure) {
    try {
      respond(answer, failure);
    } catch (RuntimeException e) { // nobody looks into the future that would keep it
      log(e);
      owner.broken();
    }
  }

  private void respond(Site.@Nullable Answer answer, @Nullable Throwable failure) {
    if (gone) {
      if (answer instanceof Site.Content(OpenFile file, _)) {
        CompletableFuture<Void> _ = file.close();
      }
      return;
    }
    switch (answer) {
      case null -> failed(failure == null ? new IllegalStateException("no answer") : failure);
      case Site.Content(OpenFile file, String name) -> sendFile(file, name);
      case Site.Elsewhere(String address) -> {
        FullHttpResponse response = page(HttpResponseStatus.MOVED_PERMANENTLY, TEXT, "");
        response.headers().set(HttpHeaderNames.LOCATION, address);
        send(response);
      }
      case Site.Page(String html) -> send(page(HttpResponseStatus.OK, HTML, html));
    }
  }

  private void sendFile(OpenFile file, String name) {
    FileFacts facts = file.facts();
    if (Conditions.isUnchanged(request.headers(), facts)) {
      finish(file, fileResponse(HttpResponseStatus.NOT_MODIFIED, facts));
      return;
    }
    Optional<ByteRange> range = wantedRange(facts);
    if (range.isPresent() && range.get().length() == 0) {
      FullHttpResponse response = page(HttpResponseStatus.REQUESTED_RANGE_NOT_SATISFIABLE, TEXT, "");
      response.headers().set(HttpHeaderNames.CONTENT_RANGE, "bytes */" + facts.size());
      finish(file, response);
      return;
    }
    ByteRange part = range.orElse(new ByteRange(0, facts.size()));
    HttpResponse head = fileResponse(range.isPresent() ? HttpResponseStatus.PARTIAL_CONTENT : HttpResponseStatus.OK, facts);
    head.headers().set(HttpHeaderNames.CONTENT_TYPE, ContentTypes.of(name)).set(HttpHeaderNames.CONTENT_LENGTH, part.length());
    range.ifPresent(partial -> head.headers().set(HttpHeaderNames.CONTENT_RANGE, partial.inFileOf(facts.size())));
    if (isHead() || part.length() == 0) {
      finish(file, head);
      return;
    }
    Transfer started = new Transfer(ctx, service.access(), file, head, part, this);
    transfer = started;
    started.resume();
  }

  private Optional<ByteRange> wantedRange(FileFacts facts) {
    HttpHeaders headers = request.headers();
    boolean asked = request.method().equals(HttpMethod.GET) && headers.getAll(HttpHeaderNames.RANGE).size() == 1;
    return asked && Conditions.allowRange(headers, facts)
        ? ByteRange.parse(headers.get(HttpHeaderNames.RANGE), facts.size())
        : Optional.empty();
  }

  /** A response that needs nothing more of the file. */
  private void finish(OpenFile file, HttpResponse head) {
    CompletableFuture<Void> _ = file.close();
    FullHttpResponse response =
        head instanceof FullHttpResponse full
            ? full
            : new DefaultFullHttpResponse(
                head.protocolVersion(), head.status(), Unpooled.EMPTY_BUFFER, head.headers(), EmptyHttpHeaders.INSTANCE);
    send(response);
  }

  private HttpResponse fileResponse(HttpResponseStatus status, FileFacts facts) {
    HttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, status);
    response
        .headers()
        .set(HttpHeaderNames.DATE, HttpDates.now())
        .set(HttpHeaderNames.LAST_MODIFIED, HttpDates.format(facts.lastModified()))
        .set(HttpHeaderNames.ETAG, facts.entityTag())
        .set(HttpHeaderNames.ACCEPT_RANGES, HttpHeaderValues.BYTES);
    sayWhetherItStays(response);
    return response;
  }

  private FullHttpResponse page(HttpResponseStatus status, String type, String text) {
    byte[] body = text.getBytes(UTF_8);
    FullHttpResponse response =
        new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, isHead() ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(body));
    response
        .headers()
        .set(HttpHeaderNames.DATE, HttpDates.now())
        .set(HttpHeaderNames.CONTENT_TYPE, type)
        .set(HttpHeaderNames.CONTENT_LENGTH, body.length);
    sayWhetherItStays(response);
    return response;
  }

  private void sayWhetherItStays(HttpResponse response) {
    HttpUtil.setKeepAlive(response.headers(), request.protocolVersion(), keepAlive);
  }

  private void refuse(Refusal refusal) {
    FullHttpResponse response = page(refusal.status(), TEXT, refusal.status() + ": " + refusal.getMessage() + "\n");
    if (refusal.status().equals(HttpResponseStatus.METHOD_NOT_ALLOWED)) {
      response.headers().set(HttpHeaderNames.ALLOW, "GET, HEAD");
    }
    send(response);
  }

  /** What the client learns is the status alone: messages name paths. */
  private void failed(Throwable failure) {
    if (Failures.cause(failure) instanceof Refusal refusal) {
      refuse(refusal);
      return;
    }
    HttpResponseStatus status = Failures.statusOf(failure);
    if (status.code() >= HttpResponseStatus.INTERNAL_SERVER_ERROR.code()) {
      log(failure);
    }
    send(page(status, TEXT, status + "\n"));
  }

  private void send(FullHttpResponse response) {
    owner.responded(ctx.writeAndFlush(response), keepAlive);
  }

  @Override
  public void transferred(ChannelFuture sent) {
    owner.responded(sent, keepAlive);
  }

  @Override
  public void transferFailed(Throwable failure, boolean headSent) {
    transfer = null;
    if (headSent) {
      log(failure);
      owner.broken();
    } else {
      failed(failure);
    }
  }

  private void log(Throwable failure) {
    service.log().accept(Complaint.of(request.uri(), Failures.cause(failure)));
  }
}
