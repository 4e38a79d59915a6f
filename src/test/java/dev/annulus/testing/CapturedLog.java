package dev.annulus.testing;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** What the library logs meanwhile, kept from the console. */
public final class CapturedLog implements AutoCloseable {
  private static final Logger LOGGER = Logger.getLogger("dev.annulus");

  private final List<String> messages = new CopyOnWriteArrayList<>();
  private final boolean usedParents = LOGGER.getUseParentHandlers();
  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord logRecord) {
          if (logRecord.getLevel().intValue() >= Level.WARNING.intValue()) {
            messages.add(logRecord.getMessage());
          }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  public CapturedLog() {
    LOGGER.setUseParentHandlers(false);
    LOGGER.addHandler(handler);
  }

  /** The messages from warnings upwards, oldest first. */
  public List<String> messages() {
    return List.copyOf(messages);
  }

  /** Those that contain each of these. */
  public List<String> messagesWith(String... parts) {
    return messages.stream().filter(message -> List.of(parts).stream().allMatch(message::contains)).toList();
  }

  @Override
  public void close() {
    LOGGER.removeHandler(handler);
    LOGGER.setUseParentHandlers(usedParents);
  }
}
