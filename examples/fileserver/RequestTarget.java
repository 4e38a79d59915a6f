package fileserver;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a request asks for: names to be followed from the root, one by one. None of them is empty, {@code .} or {@code ..}, or holds a
 * slash, a backslash or a control character, however it was encoded; so together they name nothing outside the root, unless by links.
 *
 * @param names from the root down; none for the root itself
 * @param isDirectory whether it ended in a slash
 * @param query with its question mark, as it was sent; empty if there is none
 */
record RequestTarget(List<String> names, boolean isDirectory, String query) {
  /** Longer paths could be more than the system takes, together with the root's. */
  private static final int LONGEST_PATH = 2048;

  private static final int LONGEST_NAME_BYTES = 255;
  private static final String UNRESERVED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

  RequestTarget {
    names = List.copyOf(names);
  }

  static RequestTarget parse(String target) throws Refusal {
    String origin = withoutAuthority(target);
    int fragment = origin.indexOf('#');
    int question = origin.indexOf('?');
    String path = question < 0 ? origin : origin.substring(0, question);
    if (!path.startsWith("/") || fragment >= 0) {
      throw malformed("the target is no path");
    }
    if (path.length() > LONGEST_PATH) {
      throw new Refusal(HttpResponseStatus.REQUEST_URI_TOO_LONG, "the path is too long");
    }
    List<String> names = new ArrayList<>();
    boolean isDirectory = path.endsWith("/");
    if (path.length() > 1) {
      String inner = path.substring(1, isDirectory ? path.length() - 1 : path.length());
      for (String encoded : inner.split("/", -1)) {
        names.add(name(encoded));
      }
    }
    return new RequestTarget(names, isDirectory, question < 0 ? "" : origin.substring(question));
  }

  /** A proxy's clients may send the whole address. */
  private static String withoutAuthority(String target) {
    String lower = target.toLowerCase(Locale.ROOT);
    for (String scheme : List.of("http://", "https://")) {
      if (lower.startsWith(scheme)) {
        int end = scheme.length();
        while (end < target.length() && "/?#".indexOf(target.charAt(end)) < 0) {
          end++;
        }
        String rest = target.substring(end);
        return rest.startsWith("/") ? rest : "/" + rest;
      }
    }
    return target;
  }

  private static String name(String encoded) throws Refusal {
    String name = decode(encoded);
    if (name.isEmpty() || name.equals(".") || name.equals("..")) {
      throw malformed("the path has a part that is no name");
    }
    if (name.chars().anyMatch(c -> c == '/' || c == '\\' || Character.isISOControl(c))) {
      throw malformed("a name holds what names must not");
    }
    if (name.getBytes(UTF_8).length > LONGEST_NAME_BYTES) {
      throw new Refusal(HttpResponseStatus.NOT_FOUND, "no name is that long");
    }
    return name;
  }

  private static String decode(String encoded) throws Refusal {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(encoded.length());
    for (int i = 0; i < encoded.length(); i++) {
      char c = encoded.charAt(i);
      if (c == '%') {
        bytes.write(octet(encoded, i));
        i += 2;
      } else if (c <= ' ' || c > 0xff || c == 0x7f) {
        throw malformed("the path holds a character that must be encoded");
      } else {
        bytes.writeBytes(String.valueOf(c).getBytes(ISO_8859_1)); // the codec made a character of each byte
      }
    }
    try {
      return UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes.toByteArray())).toString();
    } catch (CharacterCodingException e) {
      throw malformed("the path is no UTF-8");
    }
  }

  private static int octet(String encoded, int percent) throws Refusal {
    int high = percent + 2 < encoded.length() ? Character.digit(encoded.charAt(percent + 1), 16) : -1;
    int low = percent + 2 < encoded.length() ? Character.digit(encoded.charAt(percent + 2), 16) : -1;
    if (high < 0 || low < 0) {
      throw malformed("a percent sign is followed by no number");
    }
    return (high << 4) | low;
  }

  private static Refusal malformed(String why) {
    return new Refusal(HttpResponseStatus.BAD_REQUEST, why);
  }

  /** The same names as a directory's address. Begins with exactly one slash, so that no browser takes it for another host. */
  String asDirectory() {
    StringBuilder address = new StringBuilder("/");
    for (String name : names) {
      address.append(encode(name)).append('/');
    }
    return address.append(query).toString();
  }

  /** A name as it must stand in an address. */
  static String encode(String name) {
    StringBuilder encoded = new StringBuilder(name.length());
    for (byte b : name.getBytes(UTF_8)) {
      if (UNRESERVED.indexOf(b) >= 0) {
        encoded.append((char) b);
      } else {
        encoded.append(String.format(Locale.ROOT, "%%%02X", b & 0xff));
      }
    }
    return encoded.toString();
  }
}
