package fileserver;

import dev.annulus.ErrorKind;
import java.nio.file.FileSystemException;
import java.util.Locale;

/** One line for people about what went wrong. */
final class Complaint {
  private Complaint() {}

  static String of(Throwable failure) {
    return oneLine("file-server: " + reason(failure));
  }

  static String of(String request, Throwable failure) {
    return oneLine("file-server: " + request + ": " + reason(failure));
  }

  /** A path may hold anything, line ends too. */
  private static String oneLine(String text) {
    return text.replaceAll("\\p{Cntrl}+", " ");
  }

  private static String reason(Throwable failure) {
    Throwable plain = Failures.cause(failure);
    if (plain instanceof FileSystemException e && e.getReason() == null) {
      // The message would be the path alone, as with NotDirectoryException.
      return e.getFile() + ": " + ErrorKind.of(e).name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
    return plain.getMessage() == null ? plain.toString() : plain.getMessage();
  }
}
