package bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A {@link Worker} in its JVM, seen from outside. What it has to complain of goes to this program's standard error. */
final class WorkerProcess implements AutoCloseable {
  private static final int LONGEST_SECONDS_BESIDES_ROUND = 120;

  private final Peer peer;
  private final Process process;
  private final Writer questions;
  private final BufferedReader answers;

  WorkerProcess(Peer peer, Cell cell, DataFile data) throws IOException {
    this.peer = peer;
    this.process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "--enable-native-access=ALL-UNNAMED",
                "--illegal-native-access=deny",
                "-cp",
                System.getProperty("java.class.path"),
                Worker.class.getName(),
                peer.id(),
                cell.id(),
                data.path().toString(),
                Long.toString(data.size()))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    this.questions = process.outputWriter(StandardCharsets.UTF_8);
    this.answers = process.inputReader(StandardCharsets.UTF_8);
  }

  Peer peer() {
    return peer;
  }

  /** Lets it work for a round; a paced load at that rate, which is 0 for as fast as it can. */
  Figures round(double seconds, double operationsPerSecond) throws IOException, InterruptedException {
    CompletableFuture<String> answer = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                answer.complete(answers.readLine());
              } catch (IOException e) {
                answer.completeExceptionally(e);
              }
            });
    try {
      questions.write(seconds + " " + operationsPerSecond + "\n");
      questions.flush();
      String line = answer.get((long) Math.ceil(seconds) + LONGEST_SECONDS_BESIDES_ROUND, TimeUnit.SECONDS);
      if (line == null) {
        throw new IOException("it ended early");
      }
      return Figures.parse(line);
    } catch (TimeoutException e) {
      process.destroyForcibly();
      throw new IOException("it does not answer", e);
    } catch (ExecutionException e) {
      throw new IOException("it ended early", e);
    }
  }

  /** Ends the JVM, and waits for that. */
  @Override
  public void close() {
    try {
      questions.close();
    } catch (IOException e) {
      // It has ended already, which shows in its answers.
    }
    try {
      if (!process.waitFor(LONGEST_SECONDS_BESIDES_ROUND, TimeUnit.SECONDS)) {
        System.err.println(peer.id() + " does not end by itself");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      process.destroyForcibly();
    }
  }
}
