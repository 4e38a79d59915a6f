package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** That {@link BadInputContract} leaves no public method out. */
class BadInputCompletenessTest {
  private static final List<Class<?>> TYPES =
      List.of(AsyncFile.class, IoRuntime.class, IoRuntime.Builder.class, Fs.class, FsFile.class);

  /** They take nothing, and work on what is closed as well. */
  private static final Set<String> CANNOT_BE_CALLED_BADLY =
      Set.of(
          "AsyncFile.path()",
          "AsyncFile.isOpen()",
          "AsyncFile.callerRuns()",
          "AsyncFile.close()",
          "AsyncFile.closeAsync()",
          "IoRuntime.open()",
          "IoRuntime.builder()",
          "IoRuntime.ioUring()",
          "IoRuntime.backend()",
          "IoRuntime.name()",
          "IoRuntime.hungOperations()",
          "IoRuntime.isRuntimeThread()",
          "IoRuntime.stats()",
          "IoRuntime.buffers()",
          "IoRuntime.close()",
          "IoRuntime.toString()",
          "Builder.inlineReads(boolean)",
          "Builder.open()",
          "Fs.open()",
          "Fs.close()",
          "FsFile.isOpen()",
          "FsFile.close()");

  @Test
  void publicMethods_eachOne_isCalledWithWhatIsBad() {
    Set<String> expected = new TreeSet<>();
    for (Class<?> type : TYPES) {
      for (Method method : type.getMethods()) {
        if (method.getDeclaringClass() != Object.class && !method.isBridge()) {
          expected.add(nameOf(type, method));
        }
      }
    }
    Set<String> covered = new TreeSet<>(BadInputContract.allCases().keySet());
    covered.addAll(CANNOT_BE_CALLED_BADLY);
    assertEquals(String.join("\n", expected), String.join("\n", covered));
  }

  private static String nameOf(Class<?> type, Method method) {
    return Arrays.stream(method.getParameterTypes())
        .map(Class::getSimpleName)
        .collect(Collectors.joining(",", type.getSimpleName() + "." + method.getName() + "(", ")"));
  }
}
