package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverThread;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Takes the place of a driver's worker threads: what they would do is done when a test says so, one after the other. */
public final class SteppedWorkers {
  private final Driver driver;
  private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();

  private int pools;

  private SteppedWorkers(Driver driver) {
    this.driver = driver;
  }

  /** Takes over. */
  public static SteppedWorkers of(RingDriver driver) {
    SteppedWorkers made = new SteppedWorkers(driver);
    try {
      for (Field field : RingDriver.class.getDeclaredFields()) {
        if (field.getType() == Workers.class) {
          field.setAccessible(true);
          made.replacePool((Workers) field.get(driver));
        }
      }
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
    if (made.pools == 0) {
      throw new IllegalStateException("no pool found to take the place of");
    }
    return made;
  }

  private void replacePool(Workers workers) throws ReflectiveOperationException {
    for (Field field : Workers.class.getDeclaredFields()) {
      if (field.getType() == ThreadPoolExecutor.class) {
        field.setAccessible(true);
        ((ThreadPoolExecutor) field.get(workers)).shutdown();
        field.set(workers, new Pool());
        pools++;
      }
    }
  }

  /** Whether nothing waits to be done. */
  public boolean isIdle() {
    return tasks.isEmpty();
  }

  /** Does what waits longest, on a thread of the driver's. False if nothing waits. */
  public boolean step() {
    Runnable task = tasks.poll();
    if (task == null) {
      return false;
    }
    Thread worker = new DriverThread(driver, task, "stepped-worker");
    worker.start();
    try {
      worker.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    return true;
  }

  /** A pool without threads. */
  private final class Pool extends ThreadPoolExecutor {
    private volatile boolean closed;

    Pool() {
      super(0, 1, 1, TimeUnit.SECONDS, new SynchronousQueue<>());
    }

    @Override
    public void execute(Runnable task) {
      if (closed) {
        throw new RejectedExecutionException("closed");
      }
      tasks.add(task);
    }

    @Override
    public void shutdown() {
      closed = true;
      super.shutdown(); // or the JDK keeps it, and the runtime with it, for as long as it runs
    }

    @Override
    public List<Runnable> shutdownNow() {
      shutdown();
      List<Runnable> left = new ArrayList<>();
      for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
        left.add(task);
      }
      return left;
    }

    @Override
    public boolean isShutdown() {
      return closed;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
      return tasks.isEmpty();
    }
  }
}
