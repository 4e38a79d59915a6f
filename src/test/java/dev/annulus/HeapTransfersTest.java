package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.annulus.testing.ChildJvm;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Heap buffers need no native memory of their size, and none that only a garbage collection frees. */
@Timeout(180)
class HeapTransfersTest {
  @TempDir Path dir;

  @ParameterizedTest
  @EnumSource(names = {"IO_URING", "PORTABLE"})
  void transfersOfTwoMebibytes_againAndAgainWithoutCollections_leaveNoNativeMemoryBehind(Backend backend) throws Exception {
    assertDone(backend, "again and again", "-Xmx128m", "-XX:+DisableExplicitGC");
  }

  @ParameterizedTest
  @EnumSource(names = {"IO_URING", "PORTABLE"})
  void transfers_longerThanTheNativeMemoryThereIs_succeed(Backend backend) throws Exception {
    assertDone(backend, "large", "-XX:MaxDirectMemorySize=40m");
  }

  @ParameterizedTest
  @EnumSource(names = {"IO_URING", "PORTABLE"})
  void transfers_ofMoreBuffersAtOnceThanThereIsMemoryFor_succeed(Backend backend) throws Exception {
    assertDone(backend, "many at once", "-XX:MaxDirectMemorySize=6m");
  }

  private void assertDone(Backend backend, String what, String... options) throws Exception {
    ChildJvm child = ChildJvm.withOptions(List.of(options), HeapProbe.class, backend.name(), what, dir.resolve("file").toString());
    assertEquals(List.of("done"), child.run(120).lines());
  }
}
