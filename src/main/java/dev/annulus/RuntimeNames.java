package dev.annulus;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** Gives runtimes names that differ, so that their meters do. A name is never given twice, since meters outlive their runtime. */
final class RuntimeNames {
  private static final ConcurrentMap<String, Integer> OPENED = new ConcurrentHashMap<>();

  private RuntimeNames() {}

  /** The wish itself for the first that has it, then {@code wish-2} and so on. */
  static String next(String wish) {
    int number = OPENED.merge(wish, 1, Integer::sum);
    return number == 1 ? wish : wish + "-" + number;
  }
}
