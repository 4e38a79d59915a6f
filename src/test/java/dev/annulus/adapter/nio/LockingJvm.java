package dev.annulus.adapter.nio;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Another JVM that takes locks through the JDK's channels as it is told to. */
final class LockingJvm implements AutoCloseable {
  private final Process process;
  private final PrintStream orders;
  private final BufferedReader answers;

  LockingJvm(Path file) throws IOException {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home", ""), "bin", "java").toString(),
            "-Xmx64m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path", ""),
            LockingJvm.class.getName(),
            file.toString());
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    orders = new PrintStream(process.getOutputStream(), true, UTF_8);
    answers = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
  }

  /** Whether it could take the lock, which it then holds. */
  boolean tryLock(long position, long size, boolean shared) throws IOException {
    String answer = ask("lock " + position + " " + size + " " + shared);
    assertTrue(answer.equals("held") || answer.equals("refused"), answer);
    return answer.equals("held");
  }

  /** Has it release all its locks. */
  void release() throws IOException {
    assertEquals("released", ask("release"));
  }

  private String ask(String order) throws IOException {
    orders.println(order);
    String answer = answers.readLine();
    assertNotNull(answer, "the other JVM has ended");
    return answer;
  }

  /** Has it end, and checks that it ends well. */
  @Override
  public void close() {
    orders.close();
    assertEquals(0, process.onExit().orTimeout(20, TimeUnit.SECONDS).join().exitValue());
  }

  /** Takes the file, and orders from standard input. */
  public static void main(String[] args) throws IOException {
    BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    Path file = Path.of(args[0]);
    FileChannel channel = FileChannel.open(file, READ, WRITE);
    for (String order = orders.readLine(); order != null; order = orders.readLine()) {
      if (order.equals("release")) {
        channel.close();
        channel = FileChannel.open(file, READ, WRITE);
        System.out.println("released");
      } else {
        String[] words = order.split(" ", -1);
        FileLock lock = channel.tryLock(Long.parseLong(words[1]), Long.parseLong(words[2]), Boolean.parseBoolean(words[3]));
        System.out.println(lock == null ? "refused" : "held");
      }
    }
    channel.close();
  }
}
