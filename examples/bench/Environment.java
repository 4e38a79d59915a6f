package bench;

import dev.annulus.Availability;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** What the figures were measured on, without which they mean nothing. */
record Environment(Map<String, String> facts, boolean allowsDirect) {
  static Environment of(DataFile data, Options options) throws IOException {
    boolean direct = data.allowsDirect();
    Map<String, String> facts = new LinkedHashMap<>();
    try (IoRuntime runtime = IoRuntime.open()) {
      facts.put("backend", runtime.backend().toString());
      facts.put("ring flags", runtime.stats().ringFlags().isEmpty() ? "none" : runtime.stats().ringFlags());
    }
    Availability ioUring = IoRuntime.ioUring();
    if (!ioUring.isAvailable()) {
      facts.put("io_uring", ioUring.toString());
    }
    facts.put("kernel", String.join(" ", property("os.name"), property("os.version"), property("os.arch")));
    facts.put("file system", Files.getFileStore(data.path()).type());
    facts.put("O_DIRECT", direct ? "yes" : "no, so cells that need it are left out");
    facts.put("JVM", Runtime.version() + ", " + property("java.vm.name"));
    facts.put("cores", Integer.toString(Runtime.getRuntime().availableProcessors()));
    double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    facts.put("load", String.format(Locale.ROOT, "%.1f when it began", load));
    facts.put("data file", String.format(Locale.ROOT, "%s, %,d bytes", data.path(), data.size()));
    facts.put("rounds", options.rounds() + " of " + options.seconds() + " s each, peers in turns, one JVM per peer and cell");
    DateTimeFormatter minutes = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT);
    facts.put("date", LocalDateTime.now(ZoneId.systemDefault()).format(minutes));
    return new Environment(facts, direct);
  }

  private static String property(String name) {
    return System.getProperty(name, "unknown");
  }
}
