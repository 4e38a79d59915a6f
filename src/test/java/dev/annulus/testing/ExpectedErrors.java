package dev.annulus.testing;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Keeps what the library logs out of the output of tests that break it on purpose, so that an error in
 * the log of a green build means something. What was logged is printed when the test fails.
 */
public final class ExpectedErrors implements BeforeEachCallback, AfterEachCallback {
  private static final Logger LOGGER = Logger.getLogger("dev.annulus");

  private final List<LogRecord> records = new CopyOnWriteArrayList<>();

  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord record) {
          records.add(record);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @Override
  public void beforeEach(ExtensionContext context) {
    records.clear();
    LOGGER.addHandler(handler);
    LOGGER.setUseParentHandlers(false);
  }

  @Override
  public void afterEach(ExtensionContext context) {
    LOGGER.setUseParentHandlers(true);
    LOGGER.removeHandler(handler);
    if (context.getExecutionException().isPresent()) {
      for (LogRecord record : records) {
        System.out.println(record.getLevel() + ": " + record.getMessage());
        if (record.getThrown() != null) {
          record.getThrown().printStackTrace(System.out);
        }
      }
    }
  }
}
