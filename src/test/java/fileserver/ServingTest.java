package fileserver;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.Needs;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.http.HttpResponse;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients are answered, whatever reads the files. */
@ParameterizedClass
@EnumSource(Reading.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(30)
class ServingTest {
  @Parameter Reading reading;

  private Fixture site;

  @BeforeParameterizedClassInvocation
  void start() throws IOException {
    site = new Fixture(reading);
    site.file("a.txt", "0123456789");
    site.file("b.html", "<p>b</p>");
    site.file("empty", "");
    site.file("dir/index.html", "<p>index</p>");
    site.file("dir/sub/c.css", "p {}");
    site.file("plain/only <b>.txt", "x");
  }

  @AfterParameterizedClassInvocation
  void stop() throws IOException {
    site.close();
    assertEquals(0, site.access.files(), "files left open");
    assertEquals(0, site.access.chunks(), "chunks left lent");
  }

  @Test
  void get_ofAFile_bringsItWithAllThatIsKnownOfIt() throws Exception {
    HttpResponse<byte[]> response = site.get("/a.txt");
    assertEquals(200, response.statusCode());
    assertEquals("0123456789", new String(response.body(), UTF_8));
    assertEquals("10", header(response, "content-length"));
    assertEquals("text/plain; charset=utf-8", header(response, "content-type"));
    assertEquals("bytes", header(response, "accept-ranges"));
    String modified = HttpDates.format(Files.getLastModifiedTime(site.root.resolve("a.txt")).toInstant());
    assertEquals(modified, header(response, "last-modified"));
    assertTrue(HttpDates.parse(header(response, "date")).isPresent());
    assertTrue(header(response, "etag").startsWith("\""));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 65535, 65536, 65537, 131072, 3_000_001})
  void get_ofAnySize_bringsEveryByte(int size) throws Exception {
    byte[] bytes = Fixture.random(size);
    site.file("sized.bin", bytes);
    HttpResponse<byte[]> response = site.get("/sized.bin");
    assertEquals(200, response.statusCode());
    assertEquals("application/octet-stream", header(response, "content-type"));
    assertArrayEquals(bytes, response.body());
  }

  @ParameterizedTest
  @ValueSource(strings = {"/a.txt", "/empty", "/dir/", "/dir", "/missing", "/plain/"})
  void head_isAnsweredLikeGetWithoutABody(String target) throws Exception {
    try (RawClient client = site.connect()) {
      RawClient.Response get = client.get(target).receive();
      RawClient.Response head = client.send("HEAD " + target + " HTTP/1.1\r\nHost: here\r\n\r\n").receiveHead();
      get.headers().remove("date");
      head.headers().remove("date");
      assertEquals(get.status(), head.status());
      assertEquals(get.headers(), head.headers());
      assertEquals("0123456789", client.get("/a.txt").receive().text()); // nothing was left over
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"})
  void method_otherThanGetAndHead_isNotAllowed(String method) throws Exception {
    try (RawClient client = site.connect()) {
      RawClient.Response response =
          client.send(method + " /a.txt HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\nGET ").receive();
      assertEquals(405, response.status());
      assertEquals("GET, HEAD", response.headers().get("allow"));
      assertEquals("0123456789", client.get("/a.txt").receive().text()); // the body was not taken for a request
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1.1, '',         true",
    "1.1, close,      false",
    "1.0, '',         false",
    "1.0, keep-alive, true",
  })
  void connection_afterAResponse_staysAsTheVersionAndTheClientSay(String version, String wish, boolean stays) throws Exception {
    String request = "GET /a.txt HTTP/" + version + "\r\nHost: here\r\n" + (wish.isEmpty() ? "" : "Connection: " + wish + "\r\n") + "\r\n";
    try (RawClient client = site.connect()) {
      RawClient.Response first = client.send(request).receive();
      assertEquals("0123456789", first.text());
      if (stays) {
        assertEquals(version.equals("1.0") ? "keep-alive" : null, first.headers().get("connection"));
        assertEquals("0123456789", client.send(request).receive().text());
      } else {
        assertTrue(client.isEnded());
      }
    }
  }

  @Test
  void requests_sentAllAtOnce_areAnsweredInOrder() throws Exception {
    byte[] large = Fixture.random(300_000);
    site.file("large.bin", large);
    String[] targets = {"/a.txt", "/large.bin", "/missing", "/dir/", "/b.html", "/dir/sub/c.css", "/empty"};
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < 140; i++) {
      all.append("GET ").append(targets[i % targets.length]).append(" HTTP/1.1\r\nHost: here\r\n\r\n");
    }
    try (RawClient client = site.connect().send(all.toString())) {
      for (int i = 0; i < 20; i++) {
        assertEquals("0123456789", client.receive().text());
        assertArrayEquals(large, client.receive().body());
        assertEquals(404, client.receive().status());
        assertEquals("<p>index</p>", client.receive().text());
        assertEquals("<p>b</p>", client.receive().text());
        assertEquals("p {}", client.receive().text());
        assertEquals("", client.receive().text());
      }
    }
  }

  @Test
  void file_thatTheClientHas_isNotSentAgainUntilItChanges() throws Exception {
    Path file = site.file("changing.txt", "first");
    HttpResponse<byte[]> first = site.get("/changing.txt");
    String tag = header(first, "etag");
    HttpResponse<byte[]> again = site.get("/changing.txt", "If-None-Match", "\"x\", W/" + tag);
    assertEquals(304, again.statusCode());
    assertEquals(0, again.body().length);
    assertEquals(tag, header(again, "etag"));
    assertEquals(304, site.get("/changing.txt", "If-None-Match", "*").statusCode());
    assertEquals(304, site.get("/changing.txt", "If-Modified-Since", header(first, "last-modified")).statusCode());

    Path other = Files.writeString(site.base.resolve("other"), "other");
    Files.setLastModifiedTime(other, Files.getLastModifiedTime(file)); // what tells them apart is the inode alone
    Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
    HttpResponse<byte[]> changed = site.get("/changing.txt", "If-None-Match", tag);
    assertEquals(200, changed.statusCode());
    assertEquals("other", new String(changed.body(), UTF_8));
    assertNotEquals(tag, header(changed, "etag"));
  }

  @ParameterizedTest
  @CsvSource({
    "bytes=0-0,     206, 0,          bytes 0-0/10",
    "bytes=3-5,     206, 345,        bytes 3-5/10",
    "bytes=7-,      206, 789,        bytes 7-9/10",
    "bytes=7-1000,  206, 789,        bytes 7-9/10",
    "bytes=-2,      206, 89,         bytes 8-9/10",
    "bytes=-20,     206, 0123456789, bytes 0-9/10",
    "bytes=10-,     416, '',         bytes */10",
    "bytes=-0,      416, '',         bytes */10",
    "'bytes=0-0,2-2', 200, 0123456789,",
    "bytes=5-3,     200, 0123456789,",
    "nonsense,      200, 0123456789,",
  })
  void range_ofAFile_bringsThatPartOrSaysWhyNot(String range, int status, String body, String contentRange) throws Exception {
    try (RawClient client = site.connect()) {
      RawClient.Response response = client.get("/a.txt", "Range: " + range + "\r\n").receive();
      assertEquals(status, response.status());
      assertEquals(body, response.text());
      assertEquals(contentRange, response.headers().get("content-range"));
    }
  }

  @Test
  void range_ofALargeFile_isReadAcrossChunks() throws Exception {
    byte[] bytes = Fixture.random(400_000);
    site.file("ranged.bin", bytes);
    HttpResponse<byte[]> response = site.get("/ranged.bin", "Range", "bytes=65000-331073");
    assertEquals(206, response.statusCode());
    assertArrayEquals(Arrays.copyOfRange(bytes, 65000, 331074), response.body());
  }

  @Test
  void range_ofAFileThatIsAnotherNow_bringsAllOfIt() throws Exception {
    String tag = header(site.get("/a.txt"), "etag");
    assertEquals(206, site.get("/a.txt", "Range", "bytes=1-2", "If-Range", tag).statusCode());
    HttpResponse<byte[]> whole = site.get("/a.txt", "Range", "bytes=1-2", "If-Range", "\"another\"");
    assertEquals(200, whole.statusCode());
    assertEquals(10, whole.body().length);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/../secret.txt", "/dir/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt",
        "/dir/..%2f..%2fsecret.txt", "/..\\secret.txt", "/..%5csecret.txt", "/a.txt%00", "//a.txt", "/.%00./secret.txt",
        "/%c0%ae%c0%ae/secret.txt", "http://here/../secret.txt"
      })
  void path_thatWouldLeadOut_isMalformed(String target) throws Exception {
    try (RawClient client = site.connect()) {
      RawClient.Response response = client.get(target).receive();
      assertEquals(400, response.status());
      assertFalse(response.text().contains(Fixture.SECRET));
    }
  }

  @Test
  void link_thatLeadsOut_isForbiddenAndOneThatStaysInsideWorks() throws Exception {
    link("out.txt", site.base.resolve("secret.txt"));
    link("up.txt", Path.of("../secret.txt"));
    link("outside", site.base);
    link("chain.txt", Path.of("out.txt"));
    link("inside.txt", Path.of("a.txt"));
    link("inner", Path.of("dir/sub"));
    link("circle", Path.of("circle"));
    link("nowhere", Path.of("nothing"));
    link("linked/index.html", site.base.resolve("secret.txt"));
    for (String target : new String[] {"/out.txt", "/up.txt", "/outside", "/outside/", "/outside/secret.txt", "/chain.txt", "/linked/"}) {
      HttpResponse<byte[]> response = site.get(target);
      assertEquals(403, response.statusCode(), target);
      assertFalse(new String(response.body(), UTF_8).contains(Fixture.SECRET), target);
    }
    assertEquals("0123456789", new String(site.get("/inside.txt").body(), UTF_8));
    assertEquals(200, site.get("/inner/c.css").statusCode());
    assertEquals("/inner/", header(site.get("/inner"), "location"));
    assertEquals(404, site.get("/circle").statusCode());
    assertEquals(404, site.get("/circle/a").statusCode());
    assertEquals(404, site.get("/nowhere").statusCode());
  }

  @Test
  void directory_thatIsReplacedByALinkOut_isForbiddenSoon() throws Exception {
    site.file("swapped/secret.txt", "harmless");
    assertEquals(200, site.get("/swapped/secret.txt").statusCode());
    Files.move(site.root.resolve("swapped"), site.root.resolve("swapped-away"));
    link("swapped", site.base);
    await().atMost(Fixture.PATIENCE).until(() -> site.get("/swapped/secret.txt").statusCode() == 403);
  }

  @ParameterizedTest
  @CsvSource({
    "/missing,        404",
    "/missing/a,      404",
    "/a.txt/,         404",
    "/a.txt/x,        404",
    "/a.txt/x/y,      404",
    "/missing/,       404",
    "/dir/,           200",
    "/plain/,         403",
    "/plain/only%20%3Cb%3E.txt, 200",
    "/a.txt?query,    200",
  })
  void path_isAnsweredByWhatIsThere(String target, int status) throws Exception {
    assertEquals(status, site.get(target).statusCode());
  }

  @Test
  void directory_withoutItsSlash_isSentThere() throws Exception {
    HttpResponse<byte[]> response = site.get("/dir/sub?x=1");
    assertEquals(301, response.statusCode());
    assertEquals("/dir/sub/?x=1", header(response, "location"));
  }

  @Test
  void directory_withListing_isListed() throws Exception {
    try (Server listing = Server.start(site.settings(true, Fixture.PATIENCE, 100), site.access);
        RawClient client = new RawClient(listing.port(), 0)) {
      String page = client.get("/plain/").receive().text();
      assertTrue(page.contains("<a href=\"./only%20%3Cb%3E.txt\">only &lt;b&gt;.txt</a>"), page);
      assertTrue(client.get("/").receive().text().contains("<a href=\"./dir/\">dir/</a>"), page);
      assertEquals("<p>index</p>", client.get("/dir/").receive().text());
      assertEquals(404, client.get("/a.txt/").receive().status());
      assertEquals(404, client.get("/missing/").receive().status());
    }
  }

  @Test
  void pipe_isNotWaitedFor() throws Exception {
    Needs.tool("mkfifo");
    Path pipe = site.root.resolve("pipe");
    assertTrue(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor(10, TimeUnit.SECONDS));
    try {
      assertEquals(403, site.get("/pipe").statusCode());
    } finally {
      new RandomAccessFile(pipe.toFile(), "rw").close(); // ends the wait of whoever waits all the same
    }
  }

  @Test
  void file_thatCannotBeOpened_isAnsweredByTheReason() throws Exception {
    site.access.fail("denied.txt", new AccessDeniedException("denied.txt"));
    site.access.fail("broken.txt", new IOException("the disk at /very/secret has failed"));
    site.access.fail("busy.txt", new IOException(new RejectedExecutionException("the queue is full")));
    assertEquals(403, site.get("/denied.txt").statusCode());
    assertEquals(503, site.get("/busy.txt").statusCode());
    HttpResponse<byte[]> broken = site.get("/broken.txt");
    assertEquals(500, broken.statusCode());
    assertFalse(new String(broken.body(), UTF_8).contains("/very/secret"));
    assertTrue(site.log.contains("file-server: /broken.txt: the disk at /very/secret has failed"), site.log::toString);
  }

  @ParameterizedTest
  @CsvSource({
    "'garbage',                                         400",
    "'GET /a.txt',                                      400",
    "'GET a.txt HTTP/1.1|Host: here',                   400",
    "'GET /a.txt HTTP/1.1',                             400",
    "'GET /a.txt HTTP/1.1|Host: here|Host: there',      400",
    "'GET /a.txt HTTP/2.0|Host: here',                  505",
    "'GET /a.txt HTTP/1.1|Host: here|no colon',         400",
    "'GET /LONG HTTP/1.1|Host: here',                   414",
    "'GET /a.txt HTTP/1.1|Host: here|X: LONG',          431",
  })
  void request_thatIsMalformed_isRefused(String request, int status) throws Exception {
    String sent = request.replace("LONG", "x".repeat(20_000)).replace("|", "\r\n") + "\r\n\r\n";
    try (RawClient client = site.connect().send(sent)) {
      assertEquals(status, client.receive().status());
    }
    assertEquals(200, site.get("/a.txt").statusCode());
  }

  /** Closed with bytes unread, a connection is reset, and the client does not see what it was answered. */
  @Test
  void request_thatIsRefusedWhileMoreComes_isAnsweredAllTheSame() throws Exception {
    try (RawClient client = site.connect().send("garbage\r\n\r\n")) {
      RawClient _ = client.send("x".repeat(16 << 20));
      assertEquals(400, client.receive().status());
      assertTrue(client.isEnded());
    }
  }

  @Test
  void curl_resumesADownload() throws Exception {
    Needs.tool("curl");
    byte[] bytes = Fixture.random(200_000);
    site.file("resumed.bin", bytes);
    Path part = Files.write(site.base.resolve("part"), Arrays.copyOf(bytes, 70_000));
    Process curl =
        new ProcessBuilder(
                "curl", "-sS", "-f", "-m", "10", "-C", "-", "-o", part.toString(), site.request("/resumed.bin").build().uri().toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(curl.getInputStream().readAllBytes(), UTF_8);
    assertTrue(curl.waitFor(15, TimeUnit.SECONDS));
    assertEquals(0, curl.exitValue(), said);
    assertArrayEquals(bytes, Files.readAllBytes(part));
  }

  private void link(String name, Path target) throws IOException {
    Path link = site.root.resolve(name);
    Files.createDirectories(link.getParent());
    Files.createSymbolicLink(link, target);
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse("");
  }
}
