package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
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
    String told =
        ChildJvm.run(List.of("--illegal-native-access=deny"), FallbackProbe.class, wish, dir.resolve("file").toString());
    assertEquals("PORTABLE read: hello, native access", told);
  }
}
