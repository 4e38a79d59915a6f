package fileserver;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Times as HTTP writes them, to the second. */
final class HttpDates {
  private static final DateTimeFormatter FORMAT =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH).withZone(ZoneOffset.UTC);

  /** The present second's text: it is in every response. */
  private static volatile Written now = new Written(-1, "");

  private record Written(long second, String text) {}

  private HttpDates() {}

  static String now() {
    long second = System.currentTimeMillis() / 1000;
    Written written = now;
    if (written.second != second) {
      written = new Written(second, format(Instant.ofEpochSecond(second)));
      now = written;
    }
    return written.text;
  }

  static String format(Instant time) {
    return FORMAT.format(time);
  }

  /** A date that is none says nothing: the header is ignored. The two obsolete formats count as none. */
  static Optional<Instant> parse(@Nullable String text) {
    if (text == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(Instant.from(FORMAT.parse(text.strip())));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }
}
