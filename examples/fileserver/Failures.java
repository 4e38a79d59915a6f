package fileserver;

import dev.annulus.ErrorKind;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.concurrent.CompletionException;

/** What a failure is to a client. */
final class Failures {
  private Failures() {}

  /** What futures have not put around it. */
  static Throwable cause(Throwable failure) {
    Throwable plain = failure;
    while (plain instanceof CompletionException && plain.getCause() != null) {
      plain = plain.getCause();
    }
    return plain;
  }

  static HttpResponseStatus statusOf(Throwable failure) {
    if (cause(failure) instanceof Refusal refusal) {
      return refusal.status();
    }
    return switch (ErrorKind.of(failure)) {
      case NOT_FOUND, NOT_A_DIRECTORY -> HttpResponseStatus.NOT_FOUND;
      case PERMISSION_DENIED -> HttpResponseStatus.FORBIDDEN;
      case TOO_MANY_OPEN_FILES, WOULD_BLOCK -> HttpResponseStatus.SERVICE_UNAVAILABLE;
      default -> HttpResponseStatus.INTERNAL_SERVER_ERROR;
    };
  }
}
