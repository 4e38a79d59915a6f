package dev.annulus.adapter.nio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.h2.store.fs.FilePath;
import org.h2.store.fs.FilePathWrapper;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The H2 database, which knows nothing of us, on our channels: only the call that opens a file is ours. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class H2OnAnnulusChannelsTest {
  private static final int ROWS = 3000;

  @SuppressWarnings("NullAway.Init") // the test framework
  @TempDir
  Path dir;

  @ParameterizedTest
  @EnumSource(names = {"IO_URING", "PORTABLE"})
  void database_onOurChannels_keepsWhatWasCommittedAndItsFileToItself(Backend backend) throws Exception {
    try (IoRuntime runtime = IoRuntime.builder().backend(backend).open()) {
      Files.on(runtime);
      String url = "jdbc:h2:annulus:" + dir.resolve("db");
      try (Connection connection = DriverManager.getConnection(url)) {
        fill(connection);
        assertEquals(ROWS, count(connection));
        try (FileChannel file = AnnulusFileChannel.open(runtime, dir.resolve("db.mv.db"), StandardOpenOption.WRITE)) {
          assertThrows(OverlappingFileLockException.class, () -> file.tryLock(), "H2 has locked it");
        }
      }
      try (Connection connection = DriverManager.getConnection(url)) {
        assertEquals(ROWS, count(connection));
        try (Statement statement = connection.createStatement()) {
          assertEquals(ROWS / 2, statement.executeUpdate("delete from t where id % 2 = 0"));
          assertTrue(statement.execute("select * from t where id = 77"));
          statement.execute("shutdown compact");
        }
      }
      try (Connection connection = DriverManager.getConnection(url)) {
        assertEquals(ROWS / 2, count(connection));
      }
      assertTrue(Files.OPENED.get() >= 3, "H2 did not use our channels");
    } finally {
      Files.off();
    }
    try (Connection connection = DriverManager.getConnection("jdbc:h2:" + dir.resolve("db"))) {
      assertEquals(ROWS / 2, count(connection), "H2 on its own files finds the same database");
    }
  }

  private static void fill(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("create table t (id int primary key, text varchar)");
    }
    connection.setAutoCommit(false);
    try (PreparedStatement insert = connection.prepareStatement("insert into t values (?, ?)")) {
      for (int i = 0; i < ROWS; i++) {
        insert.setInt(1, i);
        insert.setString(2, ("row " + i + " ").repeat(20));
        insert.executeUpdate();
        if (i % 100 == 0) {
          connection.commit();
        }
      }
    }
    connection.commit();
  }

  private static int count(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("select count(*), sum(length(text)) from t")) {
      assertTrue(rows.next());
      assertTrue(rows.getLong(2) > 0);
      return rows.getInt(1);
    }
  }

  /** H2's own files, opened by us. H2 makes them itself, by the scheme in their names. */
  public static final class Files extends FilePathWrapper {
    static final AtomicInteger OPENED = new AtomicInteger();
    private static volatile @Nullable IoRuntime runtime;

    static void on(IoRuntime used) {
      runtime = used;
      OPENED.set(0);
      FilePath.register(new Files());
    }

    static void off() {
      FilePath.unregister(new Files());
      runtime = null;
    }

    @Override
    public String getScheme() {
      return "annulus";
    }

    @Override
    public FileChannel open(String mode) throws IOException {
      Set<OpenOption> options = new HashSet<>(Set.of(StandardOpenOption.READ));
      if (!mode.equals("r")) {
        options.add(StandardOpenOption.WRITE);
        options.add(StandardOpenOption.CREATE);
      }
      if (mode.equals("rwd")) {
        options.add(StandardOpenOption.DSYNC);
      } else if (mode.equals("rws")) {
        options.add(StandardOpenOption.SYNC);
      }
      OPENED.incrementAndGet();
      return AnnulusFileChannel.open(Objects.requireNonNull(runtime), Path.of(getBase().toString()), options);
    }
  }
}
