package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A descriptor's number may be another file's as soon as it is closed: it is closed once. */
@Timeout(20)
class CloseRequestTest {
  private final HandDriver hand = new HandDriver();
  private final Engine engine = new Engine(hand, TestPolicies.plain());
  private final AtomicInteger closes = new AtomicInteger();
  private final List<Integer> told = new ArrayList<>();

  @Test
  void close_onItsCallersThreadThatCannotBeTold_isToldLaterAndNotDoneAgain() {
    hand.caller = this::close;
    AtomicInteger tries = new AtomicInteger();
    CloseRequest request =
        new CloseRequest(
            engine,
            7,
            () -> false,
            result -> {
              if (tries.incrementAndGet() == 1) {
                throw new StackOverflowError("thrown by the test");
              }
              told.add(result);
            },
            _ -> {});
    StackOverflowError _ = assertThrows(StackOverflowError.class, request::runHere);
    request.submit();
    assertEquals(List.of(0), told);
    assertEquals(1, closes.get());
    assertTrue(hand.requests.isEmpty(), "was submitted, too");
  }

  private int close(Operation operation) {
    assertTrue(operation instanceof Operation.Close);
    int _ = closes.incrementAndGet();
    return 0;
  }
}
