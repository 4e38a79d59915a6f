package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.AsyncFileBadInput.Transfer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each public method of {@link AsyncFile}, {@link IoRuntime}, its builder, {@code Fs} and {@code FsFile} with each kind of bad argument:
 * it fails as documented, on the calling thread or in the future, and nothing has happened: no operation, no change of file, cursor or
 * buffer. The calls are in {@link AsyncFileBadInput}, {@link IoRuntimeBadInput} and {@link FsBadInput}.
 */
abstract class BadInputContract extends BackendContract {
  private static final Map<String, List<BadInput>> CASES = allCases();

  @SuppressWarnings("NullAway.Init") // makeSubjects
  private BadInputSubjects subjects;

  static Map<String, List<BadInput>> allCases() {
    BadInput.Table table = new BadInput.Table();
    AsyncFileBadInput.addTo(table);
    IoRuntimeBadInput.addTo(table);
    FsBadInput.addTo(table);
    return table.cases();
  }

  static Stream<String> methods() {
    return CASES.keySet().stream();
  }

  @BeforeEach
  void makeSubjects() throws Exception {
    subjects = new BadInputSubjects(dir, runtime, builder().open(), this::view);
  }

  @AfterEach
  void closeSubjects() throws Exception {
    subjects.close();
  }

  @ParameterizedTest
  @MethodSource("methods")
  void method_givenWhatIsBad_failsAsDocumentedAndChangesNothing(String method) throws Exception {
    for (BadInput bad : Objects.requireNonNull(CASES.get(method))) {
      String what = method + ", " + bad.what();
      switch (bad) {
        case BadInput.Throws thrown -> assertThrown(what, thrown);
        case BadInput.Fails failing -> assertFailing(what, failing);
      }
      subjects.assertUnchanged(what);
    }
  }

  private void assertThrown(String what, BadInput.Throws bad) {
    Throwable thrown = thrownBy(bad);
    assertNotNull(thrown, () -> what + ": was not refused");
    assertInstanceOf(bad.type(), thrown, what);
    if (!bad.kinds().isEmpty()) {
      assertTrue(bad.kinds().contains(ErrorKind.of(thrown)), () -> what + ": " + ErrorKind.of(thrown) + " of " + thrown);
    }
    if (bad.type() == IllegalStateException.class && bad.what().contains("closed")) {
      assertInstanceOf(ClosedChannelException.class, thrown.getCause(), what);
    }
    if (!(thrown instanceof IOException) || !bad.kinds().isEmpty()) {
      assertTrue(submitsNothing(bad), () -> what + ": submits something");
    }
  }

  /** On a busy machine the runtime submits something of its own now and then. What a call submits it submits each time. */
  private boolean submitsNothing(BadInput.Throws bad) {
    for (int calls = 0; calls < 4; calls++) {
      long before = subjects.attempts();
      Throwable ignored = thrownBy(bad);
      if (ignored != null && subjects.attempts() == before) {
        return true;
      }
    }
    return false;
  }

  private @Nullable Throwable thrownBy(BadInput.Throws bad) {
    try {
      bad.call().on(subjects);
      return null;
    } catch (Throwable e) {
      return e;
    }
  }

  private void assertFailing(String what, BadInput.Fails bad) throws Exception {
    CompletableFuture<?> future = bad.call().on(subjects);
    Throwable failure = Futures.failure(future);
    assertTrue(bad.kinds().contains(ErrorKind.of(failure)), () -> what + ": " + ErrorKind.of(failure) + " of " + failure);
  }

  /** Reads far past the end are at its end, or refused by the system: never both, and no byte comes. */
  @ParameterizedTest
  @EnumSource(to = "READ_SEGMENT_FULLY")
  void read_atHugePositions_failsInTheFutureOrIsAtTheEnd(Transfer transfer) throws Exception {
    for (boolean heap : new boolean[] {false, true}) {
      ByteBuffer buffer = subjects.buffer(heap);
      CompletableFuture<?> future = transfer.call(subjects.file, subjects.segment(heap), buffer, Long.MAX_VALUE - 16);
      Object outcome = Futures.get(future.handle((value, thrown) -> thrown == null ? String.valueOf(value) : thrown));
      boolean atTheEnd = "-1".equals(outcome);
      assertTrue(atTheEnd || outcome instanceof IOException, transfer + " came to " + outcome);
      assertFalse(future.isCancelled());
      subjects.assertUnchanged(transfer.toString());
    }
  }
}
