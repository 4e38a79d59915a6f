package dev.annulus;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;

/** Completes futures where and when a program looks, on its own thread. */
final class LateCompletions implements Executor {
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();

  /** Whether nobody looks any more. */
  private volatile boolean atOnce;

  @Override
  public void execute(Runnable task) {
    if (atOnce) {
      task.run();
    } else {
      tasks.add(task);
    }
  }

  boolean isEmpty() {
    return tasks.isEmpty();
  }

  /** Runs what is there. False if nothing is. */
  boolean run() {
    boolean any = !tasks.isEmpty();
    for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
      task.run();
    }
    return any;
  }

  /** From now on whoever completes a future runs what depends on it, or no longer so. */
  void runAtOnce(boolean now) {
    atOnce = now;
  }
}
