package dev.annulus;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;

/** A call with one thing bad about it, and what must come of that. */
sealed interface BadInput {
  /** What is bad about it. */
  String what();

  /** A call. What it returns is of no interest: it must not return. */
  interface Call {
    void on(BadInputSubjects subjects) throws Exception;
  }

  /** A call of a method that returns a future. */
  interface FutureCall {
    CompletableFuture<?> on(BadInputSubjects subjects) throws Exception;
  }

  /**
   * Throws on the calling thread, and submits nothing.
   *
   * @param kinds of which kind the exception is; empty if its type says all
   */
  record Throws(String what, Class<? extends Throwable> type, Set<ErrorKind> kinds, Call call) implements BadInput {}

  /** Fails in the future, with one of these kinds. */
  record Fails(String what, Set<ErrorKind> kinds, FutureCall call) implements BadInput {}

  /** Cases by method, named as {@link BadInputCompletenessTest} does. */
  final class Table {
    private final Map<String, List<BadInput>> cases = new LinkedHashMap<>();

    Map<String, List<BadInput>> cases() {
      return cases;
    }

    void thrown(String method, String what, Class<? extends Throwable> type, FutureCall call) {
      blocking(
          method,
          what,
          type,
          on -> {
            CompletableFuture<?> _ = call.on(on);
          });
    }

    void blocking(String method, String what, Class<? extends Throwable> type, Call call) {
      add(method, new Throws(what, type, Set.of(), call));
    }

    /** A blocking call, which throws what a future would fail with. */
    void blocking(String method, String what, ErrorKind kind, Call call) {
      add(method, new Throws(what, IOException.class, Set.of(kind), call));
    }

    void failing(String method, String what, Set<ErrorKind> kinds, FutureCall call) {
      add(method, new Fails(what, kinds, call));
    }

    private void add(String method, BadInput bad) {
      cases.computeIfAbsent(method, _ -> new ArrayList<>()).add(bad);
    }
  }

  /** Null where the compiler would not have it: one of the things that are bad. */
  @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
  static <T> T nothing() {
    return new AtomicReference<T>().get();
  }
}
