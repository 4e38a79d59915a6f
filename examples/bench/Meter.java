package bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.HdrHistogram.ConcurrentHistogram;

/** Measures one round of a load in this JVM, from when it is made. */
final class Meter {
  private static final OperatingSystemMXBean SYSTEM = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private static final com.sun.management.ThreadMXBean THREADS =
      (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final long LONGEST_NANOS = 60_000_000_000L;

  private final ConcurrentHistogram latencies = new ConcurrentHistogram(LONGEST_NANOS, 3);
  private final double operationsPerSecond;
  private final long deadline;
  private final long deviceBytes = deviceBytesRead();
  private final long cpu;
  private final long heap;
  private final long started;

  /**
   * @param operationsPerSecond 0 for as many as can be done
   */
  Meter(double seconds, double operationsPerSecond) {
    this.operationsPerSecond = operationsPerSecond;
    THREADS.resetPeakThreadCount();
    heap = THREADS.getTotalThreadAllocatedBytes();
    cpu = SYSTEM.getProcessCpuTime();
    started = System.nanoTime();
    deadline = started + (long) (seconds * 1e9);
  }

  /** How many operations are to be started in a second, on average; 0 for as many as can be done. */
  double operationsPerSecond() {
    return operationsPerSecond;
  }

  /** When no more operations are to be started. */
  long deadline() {
    return deadline;
  }

  /** Counts one operation; for any thread. */
  void add(long nanos) {
    latencies.recordValue(Math.min(nanos, LONGEST_NANOS));
  }

  Figures read() {
    double seconds = (System.nanoTime() - started) / 1e9;
    double cpuMicros = (SYSTEM.getProcessCpuTime() - cpu) / 1e3;
    double heapBytes = THREADS.getTotalThreadAllocatedBytes() - heap;
    long operations = latencies.getTotalCount();
    double each = Math.max(1, operations);
    return new Figures(
        operations / seconds,
        latencies.getValueAtPercentile(50) / 1e3,
        latencies.getValueAtPercentile(99) / 1e3,
        latencies.getValueAtPercentile(99.9) / 1e3,
        cpuMicros / each,
        heapBytes / each,
        THREADS.getPeakThreadCount(),
        number(Path.of("/proc/self/status"), "Threads:"),
        deviceBytes < 0 ? -1 : (deviceBytesRead() - deviceBytes) / each,
        LatencyChart.PERCENTILES.stream().map(percentile -> latencies.getValueAtPercentile(percentile) / 1e3).toList());
  }

  /** Bytes that storage delivered to this process, or -1 where the system does not tell. */
  private static long deviceBytesRead() {
    return number(Path.of("/proc/self/io"), "read_bytes:");
  }

  private static long number(Path file, String key) {
    try {
      List<String> lines = Files.readAllLines(file);
      return lines.stream()
          .filter(line -> line.startsWith(key))
          .mapToLong(line -> Long.parseLong(line.substring(key.length()).strip()))
          .findFirst()
          .orElse(-1);
    } catch (IOException e) {
      return -1;
    }
  }
}
