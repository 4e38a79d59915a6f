package fileserver;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** Connections that stay too long, or are too many. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(30)
class LimitsTest {
  private static final Duration IDLE = Duration.ofMillis(300);
  private static final int MOST = 3;
  private static final int LARGE = 64 << 20;

  private Fixture site;

  @BeforeAll
  void start() throws IOException {
    site = new Fixture(Reading.PORTABLE, IDLE);
    site.file("a.txt", "0123456789");
    site.emptyFile("large.bin", LARGE);
  }

  @AfterAll
  void stop() throws IOException {
    site.access.letAllGo();
    site.close();
  }

  @Test
  void connection_thatIsNotUsed_isClosed() throws Exception {
    try (RawClient silent = site.connect();
        RawClient used = site.connect()) {
      assertEquals(200, used.get("/a.txt").receive().status());
      assertTrue(silent.isEnded());
      assertTrue(used.isEnded());
    }
  }

  @Test
  void client_thatTakesNothing_isGivenUp() throws Exception {
    try (RawClient stalled = site.connectSlowly().get("/large.bin")) {
      assertEquals(LARGE, stalled.receiveHead().length());
      await().atMost(Fixture.PATIENCE).until(() -> site.access.files() == 0);
      assertTrue(stalled.drain() < LARGE);
    }
  }

  @Test
  void client_thatWaitsForASlowFile_isNotGivenUp() throws Exception {
    byte[] bytes = Fixture.random(1000);
    site.file("slow.bin", bytes);
    CompletableFuture<Void> held = site.access.holdReads("slow.bin");
    try (RawClient client = site.connect().get("/slow.bin");
        RawClient silent = site.connect()) {
      await().atMost(Fixture.PATIENCE).until(() -> !site.access.heldReadsBegun.isEmpty());
      assertTrue(silent.isEnded()); // the time is over for both
      try (RawClient next = site.connect()) {
        assertTrue(next.isEnded());
      }
      boolean _ = held.complete(null);
      assertArrayEquals(bytes, client.receive().body());
    }
  }

  @Test
  void connection_beyondTheLimit_isClosedUntilOthersLeave() throws Exception {
    try (Server small = Server.start(site.settings(false, Fixture.PATIENCE, MOST), site.access)) {
      int port = small.port();
      try (RawClient one = new RawClient(port, 0);
          RawClient two = new RawClient(port, 0);
          RawClient three = new RawClient(port, 0);
          RawClient four = new RawClient(port, 0)) {
        assertTrue(four.isEnded());
        for (RawClient accepted : List.of(one, two, three)) {
          assertEquals(200, accepted.get("/a.txt").receive().status());
        }
      }
      await().ignoreExceptions().atMost(Fixture.PATIENCE).until(() -> statusOf("/a.txt", port) == 200);
    }
  }

  private static int statusOf(String target, int port) throws IOException {
    try (RawClient client = new RawClient(port, 0)) {
      return client.get(target).receive().status();
    }
  }
}
