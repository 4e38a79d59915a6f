package dev.annulus.internal.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.CapturedLog;
import dev.annulus.testing.RecordingRequest;
import dev.annulus.testing.RecordingRequest.How;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(30)
class PersistenceTest {
  /** The ways to end a request. */
  enum Way {
    COMPLETE(How.COMPLETED),
    REFUSE(How.REFUSED),
    ABANDON(How.ABANDONED);

    final How how;

    Way(How how) {
      this.how = how;
    }
  }

  private final IllegalStateException cause = new IllegalStateException("said by the test");

  /** A request that throws when it is ended, as often as it likes. */
  private static final class Stubborn extends RecordingRequest {
    private final Consumer<Integer> beforeEnd;
    int calls;

    Stubborn(Consumer<Integer> beforeEnd) {
      super(new Operation.Nop());
      this.beforeEnd = beforeEnd;
    }

    private void call() {
      beforeEnd.accept(++calls);
    }

    @Override
    public void completed(int result) {
      call();
      super.completed(result);
    }

    @Override
    public void refused(Throwable cause) {
      call();
      super.refused(cause);
    }

    @Override
    public void abandoned(Throwable cause) {
      call();
      super.abandoned(cause);
    }
  }

  private void end(Way way, Request request) {
    switch (way) {
      case COMPLETE -> Persistence.complete(request, 5);
      case REFUSE -> Persistence.refuse(request, cause);
      case ABANDON -> Persistence.abandon(request, cause);
    }
  }

  @ParameterizedTest
  @EnumSource
  void end_atOnce_isDoneOnce(Way way) {
    Stubborn request = new Stubborn(_ -> {});
    end(way, request);
    assertEquals(1, request.calls);
    assertEquals(way.how, request.await().how());
    assertEquals(way == Way.COMPLETE ? 5 : 0, request.await().result());
    assertSame(way == Way.COMPLETE ? null : cause, request.await().cause());
  }

  @ParameterizedTest
  @EnumSource
  void end_forWantOfMemory_isTriedAgain(Way way) {
    Stubborn request = new Stubborn(call -> throwIf(call <= 5, new OutOfMemoryError("thrown by the test")));
    end(way, request);
    assertEquals(6, request.calls);
    assertEquals(way.how, request.await().how());
  }

  @ParameterizedTest
  @EnumSource
  void end_thatFails_isLoggedAndNotTriedAgain(Way way) {
    Stubborn request = new Stubborn(_ -> throwIf(true, new IllegalArgumentException("thrown by the test")));
    try (CapturedLog log = new CapturedLog()) {
      end(way, request);
      assertEquals(1, log.messagesWith("ending an operation failed").size());
    }
    assertEquals(1, request.calls);
  }

  @ParameterizedTest
  @EnumSource(names = "REFUSE")
  void end_forWantOfMemoryForEver_isGivenUpAfterAWhile(Way way) {
    Stubborn request = new Stubborn(_ -> throwIf(true, new StackOverflowError("thrown by the test")));
    try (CapturedLog log = new CapturedLog()) {
      end(way, request);
      assertEquals(1, log.messagesWith("wanting for too long").size());
    }
    assertEquals(200, request.calls);
  }

  private static void throwIf(boolean condition, Throwable thrown) {
    if (condition) {
      if (thrown instanceof Error error) {
        throw error;
      }
      throw (RuntimeException) thrown;
    }
  }

  @Test
  void run_stepsOfAllKinds_tellWhetherTheyWereDone() {
    int[] calls = {0};
    assertTrue(Persistence.run(() -> throwIf(++calls[0] <= 4, new OutOfMemoryError("thrown by the test"))));
    assertEquals(5, calls[0]);
    calls[0] = 0;
    try (CapturedLog log = new CapturedLog()) {
      assertFalse(
          Persistence.run(
              () -> {
                calls[0]++;
                throw cause;
              }));
      assertEquals(1, calls[0]);
      assertEquals(1, log.messages().size());
    }
  }

  @Test
  void isWant_errorsOfTheJvm_areAndOthersAreNot() {
    assertTrue(Persistence.isWant(new OutOfMemoryError()));
    assertTrue(Persistence.isWant(new StackOverflowError()));
    assertTrue(Persistence.isWant(new MatchException("", new StackOverflowError())));
    assertFalse(Persistence.isWant(new MatchException("", null)));
    assertFalse(Persistence.isWant(new MatchException("", cause)));
    assertFalse(Persistence.isWant(new IllegalStateException(new OutOfMemoryError())));
    assertFalse(Persistence.isWant(new NoClassDefFoundError()));
  }
}
