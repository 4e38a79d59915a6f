package dev.annulus.internal.runtime.direct;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.net.URI;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Paths as the kernel wants them: NUL-terminated bytes.
 *
 * <p>A {@link Path} of the default Unix provider holds bytes, but {@code toString} decodes them in the JVM's file name encoding
 * ({@code sun.jnu.encoding}) and so loses those that do not decode. Only {@code toUri} gives them all, percent-encoded; it asks
 * the file system whether the path is a directory, so it is used just where the text shows that something was lost.
 */
public final class NativePaths {
  private static final Charset ENCODING =
      Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"), StandardCharsets.UTF_8);
  private static final char REPLACEMENT = '\ufffd';

  /**
   * Whether a relative path means another file to the JDK, which resolves it against {@code user.dir},
   * than to the kernel, which resolves it against the working directory of the process.
   */
  private static final boolean RESOLVES_RELATIVE = !isWorkingDirectory(Path.of("").toAbsolutePath());

  private NativePaths() {}

  /**
   * The path as a C string. It means what it means to {@code java.nio.file}: a relative path starts at
   * {@code user.dir}, and the empty path is that directory itself.
   */
  public static MemorySegment toCString(Path path, SegmentAllocator allocator) {
    byte[] bytes = bytes(RESOLVES_RELATIVE && !path.isAbsolute() ? path.toAbsolutePath() : path);
    MemorySegment string = allocator.allocate(bytes.length + 1L, 1);
    MemorySegment.copy(bytes, 0, string, JAVA_BYTE, 0, bytes.length);
    string.set(JAVA_BYTE, bytes.length, (byte) 0);
    return string;
  }

  /** The child of {@code directory} whose name is these bytes, which need not be valid in the JVM's encoding. */
  static Path resolve(Path directory, byte[] name) {
    String text = new String(name, ENCODING);
    if (text.indexOf(REPLACEMENT) < 0) {
      return directory.resolve(text);
    }
    return directory.resolve(Path.of(URI.create("file:///" + percentEncoded(name))).getFileName());
  }

  private static boolean isWorkingDirectory(Path userDir) {
    try {
      return Files.readSymbolicLink(Path.of("/proc/self/cwd")).equals(userDir);
    } catch (IOException e) {
      return false; // resolving is right in any case, and merely longer
    }
  }

  static byte[] bytes(Path path) {
    String text = path.toString();
    if (text.isEmpty()) {
      return new byte[] {'.'};
    }
    return text.indexOf(REPLACEMENT) < 0 ? text.getBytes(ENCODING) : percentDecoded(path.toUri().getRawPath());
  }

  private static byte[] percentDecoded(String rawPath) {
    // toUri ends a directory's path with a slash; the kernel would read that as an assertion, and follow a link before it.
    String raw = rawPath.length() > 1 && rawPath.endsWith("/") ? rawPath.substring(0, rawPath.length() - 1) : rawPath;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(raw.length());
    for (int i = 0; i < raw.length(); i++) {
      if (raw.charAt(i) == '%') {
        bytes.write(Integer.parseInt(raw, i + 1, i + 3, 16));
        i += 2;
      } else {
        bytes.write(raw.charAt(i));
      }
    }
    return bytes.toByteArray();
  }

  private static String percentEncoded(byte[] name) {
    StringBuilder encoded = new StringBuilder(name.length * 3);
    for (byte b : name) {
      encoded.append('%').append(Character.forDigit((b >> 4) & 0xf, 16)).append(Character.forDigit(b & 0xf, 16));
    }
    return encoded.toString();
  }
}
