package fileserver;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** A client that sends whatever the test wants. */
final class RawClient implements AutoCloseable {
  private final Socket socket = new Socket();
  private final InputStream in;

  /** A response; names of headers are in lower case. */
  static final class Response {
    private final int status;
    private final Map<String, String> headers;
    private final byte[] body;

    Response(int status, Map<String, String> headers, byte[] body) {
      this.status = status;
      this.headers = headers;
      this.body = body;
    }

    int status() {
      return status;
    }

    Map<String, String> headers() {
      return headers;
    }

    byte[] body() {
      return body;
    }

    String text() {
      return new String(body, ISO_8859_1);
    }

    long length() {
      return Long.parseLong(headers.getOrDefault("content-length", "0"));
    }
  }

  RawClient(int port, int receiveBytes) throws IOException {
    if (receiveBytes > 0) {
      socket.setReceiveBufferSize(receiveBytes);
    }
    int patience = (int) Fixture.PATIENCE.toMillis();
    socket.setSoTimeout(patience);
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), patience);
    in = new BufferedInputStream(socket.getInputStream(), 1024);
  }

  RawClient send(String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(ISO_8859_1));
    return this;
  }

  RawClient get(String target, String... headers) throws IOException {
    return send("GET " + target + " HTTP/1.1\r\nHost: here\r\n" + String.join("", headers) + "\r\n");
  }

  Response receive() throws IOException {
    Response head = receiveHead();
    byte[] body = in.readNBytes((int) head.length());
    if (body.length < head.length()) {
      throw new EOFException("only " + body.length + " bytes of " + head.headers());
    }
    return new Response(head.status(), head.headers(), body);
  }

  /** A response without a body, whatever its headers say. */
  Response receiveHead() throws IOException {
    String statusLine = line();
    Map<String, String> headers = new TreeMap<>();
    for (String line = line(); !line.isEmpty(); line = line()) {
      int colon = line.indexOf(':');
      headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    return new Response(Integer.parseInt(statusLine.split(" ", -1)[1]), headers, new byte[0]);
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new EOFException("the server has closed the connection after '" + line + "'");
      }
      line.append((char) b);
    }
    return line.toString().strip();
  }

  /** Whether the server has ended the connection, after nothing more than was received already. */
  boolean isEnded() throws IOException {
    return in.read() < 0;
  }

  /** How many more bytes come until the server ends the connection, in whatever way. */
  long drain() {
    long count = 0;
    try {
      byte[] buffer = new byte[64 << 10];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        count += n;
      }
    } catch (IOException e) {
      if (!(e instanceof SocketException)) {
        throw new AssertionError(e);
      }
    }
    return count;
  }

  InputStream in() {
    return in;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
