package dev.annulus;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BiConsumer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The library in a class loader of its own, as in a container: when the application goes, nothing keeps it. */
@Timeout(120)
class UnloadingTest {
  @SuppressWarnings("NullAway.Init") // the test framework
  @TempDir
  Path dir;

  @ParameterizedTest
  @EnumSource(names = {"IO_URING", "PORTABLE"})
  void library_usedAndClosed_canBeUnloaded(Backend backend) throws Exception {
    Path path = Files.write(dir.resolve("file"), new byte[8_192]);
    // A thread that outlives the application, as a container's pool has them.
    try (ExecutorService pool = Executors.newSingleThreadExecutor()) {
      WeakReference<ClassLoader> loader = pool.submit(() -> use(backend.name(), path)).get(60, SECONDS);
      Awaitility.await()
          .atMost(30, SECONDS)
          .untilAsserted(
              () -> {
                System.gc();
                assertTrue(loader.get() == null, "still loaded"); // an assertNull would keep it
              });
    }
  }

  private static WeakReference<ClassLoader> use(String backend, Path path) throws Exception {
    try (URLClassLoader loader = new URLClassLoader("application", classPath(), ClassLoader.getPlatformClassLoader())) {
      Class<?> type = loader.loadClass(UnloadedUser.class.getName());
      assertNotSame(UnloadedUser.class, type);
      @SuppressWarnings("unchecked")
      BiConsumer<String, Path> user = (BiConsumer<String, Path>) type.getDeclaredConstructor().newInstance();
      user.accept(backend, path);
      return new WeakReference<>(loader);
    }
  }

  private static URL[] classPath() throws Exception {
    List<URL> urls = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path", "").split(":", -1)) {
      urls.add(Path.of(entry).toUri().toURL());
    }
    assertTrue(urls.size() > 1, urls::toString);
    return urls.toArray(new URL[0]);
  }

  /** What is loaded must really be another library. */
  @ParameterizedTest
  @EnumSource(names = {"IO_URING", "PORTABLE"})
  void user_ofTheLibrary_runsInThisLoaderToo(Backend backend) throws Exception {
    Path path = Files.write(dir.resolve("file"), new byte[8_192]);
    new UnloadedUser().accept(backend.name(), path);
    assertEquals(8_192, Files.size(path));
  }
}
