package fileserver;

import io.netty.handler.codec.http.HttpResponseStatus;

/** A request that is answered with an error: the status says which, the message why. */
final class Refusal extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient HttpResponseStatus status;

  Refusal(HttpResponseStatus status, String message) {
    super(message, null, false, false); // where it was thrown tells nobody anything
    this.status = status;
  }

  HttpResponseStatus status() {
    return status;
  }
}
