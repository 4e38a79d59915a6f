package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.annulus.testing.ChildJvm;
import java.nio.file.Path;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where native access is denied, the runtime works all the same, on this backend. */
@Timeout(60)
class PortableFallbackTest {
  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(strings = {"AUTO", "PORTABLE"})
  void runtime_withNativeAccessDenied_worksOnThePortableBackend(String wish) throws Exception {
    ChildJvm.Result told = ChildJvm.withoutNativeAccess(FallbackProbe.class, wish, dir.resolve("file").toString()).run(30);
    assertEquals("PORTABLE read: hello, native access", told.lines().getLast());
  }
}
