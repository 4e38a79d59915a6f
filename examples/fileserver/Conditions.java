package fileserver;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The conditions a request makes (RFC 9110, section 13), held against a file. {@code If-Match} and its kin are ignored. */
final class Conditions {
  private static final Pattern TAGS = Pattern.compile("\\G[ \\t,]*+(?:W/)?(\"[^\"]*+\")[ \\t]*+(?=,|$)");

  private Conditions() {}

  /** Whether the client has the file as it is. */
  static boolean isUnchanged(HttpHeaders request, FileFacts facts) {
    List<String> tags = request.getAll(HttpHeaderNames.IF_NONE_MATCH);
    if (!tags.isEmpty()) {
      return names(String.join(",", tags), facts.entityTag());
    }
    return HttpDates.parse(request.get(HttpHeaderNames.IF_MODIFIED_SINCE))
        .map(since -> !facts.lastModified().truncatedTo(ChronoUnit.SECONDS).isAfter(since))
        .orElse(false);
  }

  /** The weak comparison: whether a tag was marked as weak does not matter. */
  private static boolean names(String list, String tag) {
    if (list.strip().equals("*")) {
      return true;
    }
    Matcher matcher = TAGS.matcher(list);
    while (matcher.find()) {
      if (tag.equals(matcher.group(1))) {
        return true;
      }
    }
    return false;
  }

  /** Whether a range may be sent; if the client's part is of another state of the file, it needs the whole. */
  static boolean allowRange(HttpHeaders request, FileFacts facts) {
    String validator = request.get(HttpHeaderNames.IF_RANGE);
    return validator == null
        || validator.strip().equals(facts.entityTag())
        || validator.strip().equals(HttpDates.format(facts.lastModified()));
  }
}
