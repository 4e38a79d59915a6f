package fileserver;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.ChildJvm;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The program as a user runs it. */
@Timeout(60)
class FileServerTest {
  private static final int TERMINATED = 128 + 15;

  @TempDir Path dir;

  @ParameterizedTest
  @CsvSource({"'--reader channel', channel", "'--backend portable', PORTABLE"})
  void fileServer_saysWhereItIsServesAndEndsInOrder(String options, String reader) throws Exception {
    Files.writeString(dir.resolve("a.txt"), "0123456789");
    String[] args = ("--port 0 --threads 1 " + options + " --root " + dir).split(" ", -1);
    Process server = ChildJvm.of(FileServer.class, args).start();
    try (BufferedReader output = new BufferedReader(new InputStreamReader(server.getInputStream(), UTF_8))) {
      String line = output.readLine();
      Matcher address = Pattern.compile("Serving .* at http://127\\.0\\.0\\.1:([0-9]+)/ .*").matcher(line);
      assertTrue(address.matches() && line.contains(reader), line);
      try (RawClient client = new RawClient(Integer.parseInt(address.group(1)), 0)) {
        assertEquals("0123456789", client.get("/a.txt").receive().text());
        assertTrue(server.toHandle().destroy()); // the process's own method would close its output too
        assertTrue(client.isEnded());
      }
      assertTrue(server.waitFor(20, TimeUnit.SECONDS));
      assertEquals("closed", output.readLine());
      assertEquals(TERMINATED, server.exitValue());
    } finally {
      Process _ = server.destroyForcibly();
    }
  }

  @Test
  void fileServer_whosePortIsTaken_saysSoInOneLine() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      ChildJvm.Result result = ChildJvm.of(FileServer.class, "--port", Integer.toString(taken.getLocalPort())).run(30);
      assertEquals(1, result.exitCode(), result::output);
      assertTrue(result.output().startsWith("file-server: cannot listen on "), result::output);
      assertEquals(1, result.output().lines().count(), result::output);
    }
  }

  @Test
  void fileServer_askedForHelp_printsIt() throws Exception {
    ChildJvm.Result result = ChildJvm.of(FileServer.class, "--help", "--root", dir.toString()).run(30);
    assertEquals(0, result.exitCode(), result::output);
    assertTrue(result.output().startsWith("usage: file-server ["), result::output);
  }

  @Test
  void fileServer_ofAMissingDirectory_saysSo() throws Exception {
    Path missing = dir.resolve("missing");
    ChildJvm.Result result = ChildJvm.of(FileServer.class, "--port", "0", "--backend", "portable", "--root", missing.toString()).run(30);
    assertEquals(1, result.exitCode(), result::output);
    assertTrue(result.output().startsWith("file-server: " + missing + ": not found"), result::output);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--unknown", "file", "--root", "--port 65536", "--port x", "--threads 0", "--reader a", "--backend a", "--host"})
  void options_thatMakeNoSense_areRefused(String arguments) {
    assertThrows(Options.WrongUsage.class, () -> Options.parse(arguments.split(" ", -1)));
  }

  @Test
  void options_notGiven_areTheCurrentDirectoryOnThisMachineAlone() throws Exception {
    Options options = Options.parse();
    assertEquals(Path.of(""), options.root());
    assertEquals("127.0.0.1", options.host());
    assertEquals(8080, options.port());
  }
}
