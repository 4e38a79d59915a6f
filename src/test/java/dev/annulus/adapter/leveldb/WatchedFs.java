package dev.annulus.adapter.leveldb;

import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** A facade that notes which calls reach it and its files, and can be made to fail. Safe for use by many threads. */
final class WatchedFs {
  private final Fs fs;
  private final Map<String, AtomicLong> counts = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<String> calls = new ConcurrentLinkedQueue<>();
  private final boolean keepsOrder;
  private volatile String failing = "";

  private WatchedFs(Fs real, boolean keepsOrder) {
    this.keepsOrder = keepsOrder;
    this.fs = watched(Fs.class, real, null);
  }

  /** Notes how many calls there were of each kind. */
  static WatchedFs counting(Fs real) {
    return new WatchedFs(real, false);
  }

  /** Notes each call too, to be told in order. */
  static WatchedFs recording(Fs real) {
    return new WatchedFs(real, true);
  }

  Fs fs() {
    return fs;
  }

  long count(String method) {
    AtomicLong count = counts.get(method);
    return count == null ? 0 : count.get();
  }

  /** The calls since this was last asked, as {@code method name-of-file}. */
  List<String> calls() {
    List<String> so = List.copyOf(calls);
    calls.clear();
    return so;
  }

  /** From now on calls of this name fail; with an empty one none does. */
  void fail(String method) {
    failing = method;
  }

  private <T> T watched(Class<T> type, T target, @Nullable Path path) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(), new Class<?>[] {type}, (_, method, args) -> called(target, path, method, args)));
  }

  private @Nullable Object called(Object target, @Nullable Path path, Method method, Object @Nullable [] args) throws Throwable {
    counts.computeIfAbsent(method.getName(), _ -> new AtomicLong()).incrementAndGet();
    Path subject = path != null ? path : args != null && args[0] instanceof Path first ? first : null;
    if (keepsOrder && subject != null) {
      calls.add(method.getName() + " " + subject.getFileName());
    }
    if (method.getName().equals(failing)) {
      throw new IOException("told to fail: " + failing);
    }
    try {
      Object result = method.invoke(target, args);
      return result instanceof FsFile file ? watched(FsFile.class, file, subject) : result;
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
