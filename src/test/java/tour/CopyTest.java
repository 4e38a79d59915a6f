package tour;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.AsyncFile;
import dev.annulus.ErrorKind;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the copy does about a source that others change meanwhile. */
@Timeout(60)
final class CopyTest {
  private static final int SIZE = 50 * 512 * 1024 + 77;

  @TempDir Path dir;

  @Test
  void copy_ofAFileThatShrank_failsAndLeavesNothing() throws Exception {
    Path file = randomFile();
    Fingerprint before = Fingerprint.of(file, "hashing");
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(SIZE / 2);
    }

    CompletionException failure = assertThrows(CompletionException.class, () -> copy(file, before));

    assertEquals(ErrorKind.UNEXPECTED_EOF, ErrorKind.of(failure));
    assertTrue(Complaint.of(failure).startsWith("tour: read of " + file + ": the file ends at "), Complaint.of(failure));
    assertNothingLeft();
  }

  @Test
  void copy_ofAFileThatChanged_failsAndLeavesNothing() throws Exception {
    Path file = randomFile();
    Fingerprint before = Fingerprint.of(file, "hashing");
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}), SIZE / 2);
    }

    IOException failure = assertThrows(IOException.class, () -> copy(file, before));

    assertTrue(Complaint.of(failure).contains("is not the same"), Complaint.of(failure));
    assertNothingLeft();
  }

  @Test
  void copy_ofAFileThatGrew_isWhatItWasBefore() throws Exception {
    Path file = randomFile();
    Fingerprint before = Fingerprint.of(file, "hashing");
    Files.write(file, new byte[100], StandardOpenOption.APPEND);

    copy(file, before);

    assertEquals(SIZE, Files.size(dir.resolve("copy")));
    assertTrue(Fingerprint.of(dir.resolve("copy"), "checking").sameContents(before));
  }

  private void copy(Path file, Fingerprint expected) throws IOException {
    Path target = dir.resolve("copy");
    try (Leftovers leftovers = new Leftovers();
        IoRuntime runtime = IoRuntime.open();
        AsyncFile source = runtime.openFile(file).join()) {
      new Copy(runtime, leftovers).copy(source, target, expected);
      leftovers.keep(target);
    }
  }

  private void assertNothingLeft() {
    assertFalse(Files.exists(dir.resolve("copy")));
    assertFalse(Files.exists(dir.resolve("copy.part")));
  }

  private Path randomFile() throws IOException {
    byte[] bytes = new byte[SIZE];
    new Random(1).nextBytes(bytes);
    return Files.write(dir.resolve("file"), bytes);
  }
}
