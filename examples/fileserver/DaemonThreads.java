package fileserver;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Makes pools of named threads that do not keep the process alive. */
final class DaemonThreads {
  private DaemonThreads() {}

  static ExecutorService pool(String name, int threads) {
    return Executors.newFixedThreadPool(threads, Thread.ofPlatform().name(name + "-", 0).daemon(true).factory());
  }
}
