package fileserver;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The part of a file that is sent.
 *
 * @param first position of the first byte
 * @param length how many bytes; 0 for a range that cannot be satisfied, or all of an empty file
 */
record ByteRange(long first, long length) {
  private static final Pattern ONE_RANGE = Pattern.compile("bytes=[ \\t]*([0-9]*)-([0-9]*)[ \\t]*", Pattern.CASE_INSENSITIVE);

  /** More digits than a long surely takes mean the same as the largest one. */
  private static final int MOST_DIGITS = 18;

  /**
   * What a {@code Range} header asks for.
   *
   * @return nothing if it is to be ignored: malformed, of several ranges, or of another unit; a range of length 0 if it cannot be satisfied
   */
  static Optional<ByteRange> parse(@Nullable String header, long size) {
    if (header == null) {
      return Optional.empty();
    }
    Matcher matcher = ONE_RANGE.matcher(header);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    String first = matcher.group(1);
    String last = matcher.group(2);
    if (first.isEmpty()) {
      return last.isEmpty() ? Optional.empty() : Optional.of(lastBytes(number(last), size));
    }
    long from = number(first);
    long to = last.isEmpty() ? Long.MAX_VALUE : number(last);
    if (to < from) {
      return Optional.empty();
    }
    return Optional.of(new ByteRange(from, Math.max(0, Math.min(to, size - 1) - from + 1)));
  }

  private static ByteRange lastBytes(long count, long size) {
    long length = Math.min(count, size);
    return new ByteRange(size - length, length);
  }

  private static long number(String digits) {
    return digits.length() > MOST_DIGITS ? Long.MAX_VALUE : Long.parseLong(digits);
  }

  /** As a {@code Content-Range} header. */
  String inFileOf(long size) {
    return "bytes " + first + "-" + (first + length - 1) + "/" + size;
  }
}
