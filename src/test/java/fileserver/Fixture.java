package fileserver;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;

/** A directory with files, beside something secret, and a server of it with a single event loop. */
final class Fixture implements AutoCloseable {
  static final String SECRET = "nobody outside may read this";
  private static final int MOST_CONNECTIONS = 1000;
  static final Duration HEAD = Duration.ofSeconds(1);
  static final Duration PATIENCE = Duration.ofSeconds(10);

  final Path base;
  final Path root;
  final WatchedAccess access;
  final Queue<String> log = new ConcurrentLinkedQueue<>();
  final Server server;
  private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(PATIENCE).build();

  Fixture(Reading reading) throws IOException {
    this(reading, Duration.ofSeconds(30));
  }

  Fixture(Reading reading, Duration idle) throws IOException {
    this.access = new WatchedAccess(reading.access());
    this.base = Files.createTempDirectory("file-server-test-").toRealPath();
    this.root = Files.createDirectory(base.resolve("root"));
    Files.writeString(base.resolve("secret.txt"), SECRET);
    this.server = Server.start(settings(false, idle, MOST_CONNECTIONS), access);
  }

  Server.Settings settings(boolean listing, Duration idle, int maxConnections) {
    InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    return new Server.Settings(root, any, 1, listing, maxConnections, idle, HEAD, Duration.ofSeconds(5), log::add);
  }

  Path file(String name, String text) throws IOException {
    return file(name, text.getBytes(UTF_8));
  }

  Path file(String name, byte[] bytes) throws IOException {
    Path file = root.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.write(file, bytes);
  }

  Path emptyFile(String name, long size) throws IOException {
    Path file = root.resolve(name);
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(size);
    }
    return file;
  }

  static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  HttpRequest.Builder request(String target) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + target)).timeout(PATIENCE);
  }

  HttpResponse<byte[]> get(String target, String... headers) throws IOException, InterruptedException {
    HttpRequest.Builder request = request(target);
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  RawClient connect() throws IOException {
    return new RawClient(server.port(), 0);
  }

  /** A client that has room for little, so that it soon keeps the server waiting. */
  RawClient connectSlowly() throws IOException {
    return new RawClient(server.port(), 8192);
  }

  /** The descriptors this process has of a file. */
  static long descriptors(Path file) {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      return descriptors.filter(descriptor -> leadsTo(descriptor, file)).count();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean leadsTo(Path descriptor, Path file) {
    try {
      return Files.readSymbolicLink(descriptor).equals(file);
    } catch (IOException e) {
      return false; // closed meanwhile
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    access.close();
    List<Path> paths;
    try (Stream<Path> tree = Files.walk(base)) {
      paths = tree.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : paths) {
      Files.delete(path);
    }
  }
}
