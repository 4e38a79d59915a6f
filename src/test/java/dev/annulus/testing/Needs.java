package dev.annulus.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** What some tests need of the machine; where it is missing they are skipped, and say why. */
public final class Needs {
  private Needs() {}

  /** A command. */
  public static void tool(String name) {
    boolean there =
        Stream.of("/usr/bin", "/bin", "/usr/sbin", "/sbin").anyMatch(d -> Files.isExecutable(Path.of(d, name)));
    if (!there) {
      skip("this machine has no " + name);
    }
  }

  /** The right to become somebody else. */
  public static void root() {
    if (!"root".equals(System.getProperty("user.name"))) {
      skip("only root can become somebody else");
    }
    tool("setpriv");
  }

  /** The right to mount file systems. */
  public static void mounts() throws IOException, InterruptedException {
    tool("unshare");
    Process trial =
        new ProcessBuilder("unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt").redirectErrorStream(true).start();
    String said = new String(trial.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (trial.waitFor() != 0) {
      skip("file systems cannot be mounted here: " + said.strip());
    }
  }

  /** Ends the test without a verdict, saying why. */
  public static void skip(String why) {
    System.out.println("skipped: " + why);
    Assumptions.abort(why);
  }
}
