package wal;

import dev.annulus.ErrorKind;
import java.nio.file.FileSystemException;
import java.util.Locale;
import java.util.concurrent.CompletionException;

/** One line for people about what went wrong. */
final class Complaint {
  private Complaint() {}

  static String of(Throwable failure) {
    // A path may hold anything, line ends too.
    return "wal: " + reason(failure).replaceAll("\\p{Cntrl}+", " ");
  }

  private static String reason(Throwable failure) {
    Throwable plain = failure;
    while (plain instanceof CompletionException && plain.getCause() != null) {
      plain = plain.getCause(); // what futures put around it says nothing
    }
    if (plain instanceof FileSystemException e && e.getReason() == null) {
      // The message would be the path alone, as with NotDirectoryException.
      return e.getFile() + ": " + ErrorKind.of(e).name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
    return plain.getMessage() == null ? plain.toString() : plain.getMessage();
  }
}
