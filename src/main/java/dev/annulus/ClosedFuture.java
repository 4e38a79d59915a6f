package dev.annulus;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.SelfWait;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Completes when a file is closed. Each who asks gets a copy, which others cannot end for him. */
final class ClosedFuture<T> extends CompletableFuture<T> {
  private final Driver driver;
  private final Path path;
  private final boolean shared;

  /** The one that is copied. */
  ClosedFuture(Driver driver, Path path) {
    this(driver, path, true);
  }

  private ClosedFuture(Driver driver, Path path, boolean shared) {
    this.driver = driver;
    this.path = path;
    this.shared = shared;
  }

  /** Copies are of this class, what depends on them is plain. */
  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return shared ? new ClosedFuture<>(driver, path, false) : new CompletableFuture<>();
  }

  private void checkMayWait() {
    if (!isDone()) {
      SelfWait.check(driver);
    }
  }

  @Override
  public T join() {
    checkMayWait();
    return super.join();
  }

  @Override
  public T get() throws InterruptedException, ExecutionException {
    checkMayWait();
    return super.get();
  }

  @Override
  public T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
    checkMayWait();
    return super.get(timeout, unit);
  }

  @Override
  public String toString() {
    String state =
        switch (state()) {
          case RUNNING -> "not ended";
          case SUCCESS -> "ended well";
          case CANCELLED -> "cancelled";
          case FAILED -> "failed: " + exceptionNow();
        };
    return "close of " + path + "[" + state + "]";
  }
}
