package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.ChildJvm;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Real want of memory and of stack, in a JVM of its own: every future ends, the runtime goes on when there is enough again, and closes. */
@Timeout(120)
class WantOfMemoryAndStackTest {
  private static final int PATIENCE_SECONDS = 60;

  @ParameterizedTest
  @EnumSource(names = {"IO_URING", "PORTABLE"})
  void heapThatRunsOutAgainAndAgain_allFuturesEndAndTheRuntimeGoesOn(Backend backend) throws Exception {
    ChildJvm.Result result =
        ChildJvm.withOptions(List.of("-Xmx16m"), WantOfMemory.class, backend.name()).run(PATIENCE_SECONDS);
    assertTrue(result.lines().contains("all well"), result.output());
  }

  @ParameterizedTest
  @EnumSource(names = {"IO_URING", "PORTABLE"})
  void stackThatRunsOutAtEachDepth_allFuturesEndAndTheRuntimeGoesOn(Backend backend) throws Exception {
    ChildJvm.Result result =
        ChildJvm.withOptions(List.of("-Xss512k"), WantOfStack.class, backend.name()).run(PATIENCE_SECONDS);
    assertTrue(result.lines().contains("all well"), result.output());
  }
}
