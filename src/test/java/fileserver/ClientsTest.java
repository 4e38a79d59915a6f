package fileserver;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.ConnectException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Clients that are slow, or many, or leave, all of them served by one event loop. */
@ParameterizedClass
@EnumSource(Reading.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(30)
class ClientsTest {
  private static final int LARGE = 64 << 20;

  /** What sockets may hold at the most, by what systems usually allow; far less than the file. */
  private static final int SOCKETS_HOLD = 16 << 20;

  @Parameter Reading reading;

  private Fixture site;
  private Path large;

  @BeforeParameterizedClassInvocation
  void start() throws IOException {
    site = new Fixture(reading);
    large = site.emptyFile("large.bin", LARGE);
    site.file("a.txt", "0123456789");
  }

  @AfterParameterizedClassInvocation
  void stop() throws IOException {
    site.close();
  }

  @AfterEach
  void everythingIsGivenBack() {
    site.access.letAllGo();
    await().atMost(Fixture.PATIENCE).until(() -> site.access.chunks() == 0 && site.access.files() == 0 && site.access.leasedBytes() == 0);
  }

  @Test
  void client_thatStopsReading_holdsLittleAndKeepsNobodyWaiting() throws Exception {
    Path same = Files.createLink(site.root.resolve("stalled.bin"), large);
    int _ = site.access.mostChunks();
    try (RawClient stalled = site.connectSlowly()) {
      assertEquals(LARGE, stalled.get("/stalled.bin").receiveHead().length());
      // As long as others are served all of the file, this client would be too, if nothing held it back.
      for (int i = 0; i < 2; i++) {
        assertEquals(LARGE, site.get("/large.bin").body().length);
      }
      assertTrue(site.access.chunks() <= 2, () -> site.access.chunks() + " chunks for one client");
      int most = site.access.mostChunks();
      assertTrue(most <= 4, () -> most + " chunks for two clients");
      long read = site.access.bytesRead("stalled.bin");
      assertTrue(read < SOCKETS_HOLD, () -> read + " bytes were read for a client that takes none");
      stalled.in().skipNBytes(LARGE); // and it goes on when the client does
    }
    Files.delete(same);
  }

  @Test
  void clients_thatLeaveInTheMiddle_leaveNothingBehind() throws Exception {
    List<RawClient> clients = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      clients.add(site.connectSlowly().get("/large.bin"));
    }
    for (RawClient client : clients) {
      assertEquals(200, client.receiveHead().status());
    }
    assertTrue(Fixture.descriptors(large) > 0);
    for (RawClient client : clients) {
      client.close();
    }
    await().atMost(Fixture.PATIENCE).until(() -> Fixture.descriptors(large) == 0);
  }

  @Test
  void client_thatLeavesDuringARead_hasItCancelled() throws Exception {
    site.file("held-read.bin", Fixture.random(100_000));
    CompletableFuture<Void> held = site.access.holdReads("held-read.bin");
    try (RawClient client = site.connect()) {
      assertEquals(200, client.get("/a.txt").receive().status());
      RawClient _ = client.get("/held-read.bin");
      await().atMost(Fixture.PATIENCE).until(() -> !site.access.heldReadsBegun.isEmpty());
    }
    CompletableFuture<Integer> read = site.access.heldReadsBegun.remove();
    await().atMost(Fixture.PATIENCE).until(read::isCancelled);
    assertFalse(held.isDone());
  }

  @Test
  void client_thatLeavesBeforeTheFileIsOpen_hasItClosed() throws Exception {
    Path file = site.file("held-find.bin", "x");
    CompletableFuture<Void> held = site.access.holdFind("held-find.bin");
    try (RawClient client = site.connect()) {
      assertEquals(200, client.get("/a.txt").receive().status());
      RawClient _ = client.get("/held-find.bin");
      assertEquals(200, site.get("/a.txt").statusCode());
    }
    assertEquals(200, site.get("/a.txt").statusCode());
    boolean _ = held.complete(null);
    await().atMost(Fixture.PATIENCE).until(() -> site.access.files() == 0 && Fixture.descriptors(file) == 0);
  }

  @Test
  void clients_whoseFilesTakeForever_keepNobodyElseWaiting() throws Exception {
    byte[] bytes = Fixture.random(100_000);
    site.file("slow-read.bin", bytes);
    site.file("slow-find.bin", bytes);
    CompletableFuture<Void> reads = site.access.holdReads("slow-read.bin");
    CompletableFuture<Void> finds = site.access.holdFind("slow-find.bin");
    try (RawClient reader = site.connect().get("/slow-read.bin").get("/a.txt");
        RawClient finder = site.connect().get("/slow-find.bin").get("/a.txt")) {
      await().atMost(Fixture.PATIENCE).until(() -> !site.access.heldReadsBegun.isEmpty());
      for (int i = 0; i < 10; i++) {
        assertEquals(200, site.get("/a.txt").statusCode());
      }
      boolean _ = reads.complete(null);
      boolean _ = finds.complete(null);
      for (RawClient client : List.of(reader, finder)) {
        assertArrayEquals(bytes, client.receive().body());
        assertEquals("0123456789", client.receive().text());
      }
    }
  }

  /** Each has more to come than sockets hold, so what was read last waits in memory while the others' files are read. */
  @Test
  void clients_manyAndSlow_eachGetTheirOwnBytes() throws Exception {
    byte[][] files = new byte[4][];
    for (int i = 0; i < files.length; i++) {
      files[i] = Fixture.random(SOCKETS_HOLD + i);
      site.file("many" + i, files[i]);
    }
    List<RawClient> clients = new ArrayList<>();
    try {
      for (int i = 0; i < 8; i++) {
        RawClient client = site.connectSlowly().get("/many" + i % files.length);
        clients.add(client);
        assertEquals(200, client.receiveHead().status());
      }
      for (int i = 0; i < clients.size(); i++) {
        byte[] expected = files[i % files.length];
        assertArrayEquals(expected, clients.get(i).in().readNBytes(expected.length));
      }
    } finally {
      for (RawClient client : clients) {
        client.close();
      }
    }
  }

  @Test
  void file_thatIsCutWhileItIsSent_endsTheConnectionEarly() throws Exception {
    Path cut = site.emptyFile("cut.bin", LARGE);
    try (RawClient client = site.connectSlowly().get("/cut.bin")) {
      assertEquals(LARGE, client.receiveHead().length());
      try (RandomAccessFile file = new RandomAccessFile(cut.toFile(), "rw")) {
        file.setLength(1 << 20);
      }
      assertTrue(client.drain() < LARGE);
    }
    assertTrue(site.log.stream().anyMatch(line -> line.startsWith("file-server: /cut.bin: the file became shorter")), site.log::toString);
  }

  @Test
  void file_thatGrowsWhileItIsSent_isSentAsLongAsItWas() throws Exception {
    Path growing = site.emptyFile("growing.bin", LARGE);
    try (RawClient client = site.connectSlowly().get("/growing.bin")) {
      assertEquals(LARGE, client.receiveHead().length());
      try (RandomAccessFile file = new RandomAccessFile(growing.toFile(), "rw")) {
        file.setLength(LARGE + (1 << 20));
      }
      client.in().skipNBytes(LARGE);
      assertEquals("0123456789", client.get("/a.txt").receive().text());
    }
  }

  @Test
  void server_thatIsClosed_endsResponsesUnderWayAndTakesNoMore() throws Exception {
    Server closing = Server.start(site.settings(false, Fixture.PATIENCE, 100), site.access);
    int port = closing.port();
    CompletableFuture<Void> closed;
    try (RawClient waiting = new RawClient(port, 0);
        RawClient downloading = new RawClient(port, 8192)) {
      assertEquals(200, waiting.get("/a.txt").receive().status());
      assertEquals(LARGE, downloading.get("/large.bin").receiveHead().length());
      closed = CompletableFuture.runAsync(closing::close);
      assertTrue(waiting.isEnded());
      downloading.in().skipNBytes(LARGE);
      assertTrue(downloading.isEnded());
    }
    closed.get(10, TimeUnit.SECONDS);
    assertThrows(ConnectException.class, () -> new RawClient(port, 0));
  }

  @Test
  void client_thatTakesItsTimeForAHead_isToldAndClosed() throws Exception {
    try (RawClient slow = site.connect().send("GET /a")) {
      long start = System.nanoTime();
      for (int i = 0; i < 50 && System.nanoTime() - start < Fixture.HEAD.toNanos() / 2; i++) {
        slow.send("a"); // never idle, never done
        Thread.onSpinWait();
      }
      assertEquals(408, slow.receive().status());
      assertTrue(slow.isEnded());
      assertTrue(System.nanoTime() - start >= Fixture.HEAD.toNanos() * 9 / 10, "before its time was up");
    }
  }

  @Test
  void client_whoseHeadCameInTime_mayStayLonger() throws Exception {
    site.file("small.txt", "small");
    try (RawClient client = site.connect()) {
      assertEquals("small", client.get("/small.txt").receive().text());
      client.send("GET /small.txt HTTP/1.1\r\n");
      assertEquals("small", client.send("Host: here\r\n\r\n").receive().text());
    }
  }

  @Test
  void requests_manyInOnePacket_areAllAnsweredInOrder() throws Exception {
    int count = 100;
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < count; i++) {
      site.file("n" + i + ".txt", "number " + i);
      all.append("GET /n").append(i).append(".txt HTTP/1.1\r\nHost: here\r\n\r\n");
    }
    try (RawClient client = site.connect().send(all.toString())) {
      for (int i = 0; i < count; i++) {
        assertEquals("number " + i, client.receive().text());
      }
    }
  }
}
