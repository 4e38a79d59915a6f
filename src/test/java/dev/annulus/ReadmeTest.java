package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** The README's examples compile, run, and stay short. */
class ReadmeTest {
  private static final Pattern BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  private static final String HEAD =
      """
      import static java.nio.charset.StandardCharsets.UTF_8;
      import static java.nio.file.StandardOpenOption.*;
      import static java.util.concurrent.TimeUnit.SECONDS;
      import dev.annulus.*;
      import dev.annulus.fs.*;
      import java.nio.ByteBuffer;
      import java.nio.file.Path;
      import java.util.concurrent.CompletableFuture;
      public class Example {
        public static void run(Path path) throws Exception {
      """;

  @TempDir Path dir;

  @Test
  void readme_always_hasThreeExamples() throws IOException {
    assertEquals(3, examples().size());
  }

  @TestFactory
  List<DynamicTest> example_ofTheReadme_compilesAndRuns() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    for (String example : examples()) {
      String title = example.lines().skip(1).findFirst().orElseThrow().strip();
      tests.add(DynamicTest.dynamicTest(title, () -> compileAndRun(example)));
    }
    return tests;
  }

  private void compileAndRun(String example) throws Exception {
    assertTrue(example.lines().count() <= 12, "an example is about ten lines long");
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter messages = new StringWriter();
    Path classes = Files.createTempDirectory(dir, "classes");
    List<String> options = List.of("-d", classes.toString(), "-cp", System.getProperty("java.class.path"));
    boolean compiled =
        compiler.getTask(messages, null, null, options, null, List.of(source(HEAD + example + "}}"))).call();
    assertTrue(compiled, messages::toString);

    Path argument = example.contains("createDirectories") ? dir.resolve("new/directory") : fileOfTwoBlocks();
    try (var loader = new URLClassLoader(new URL[] {classes.toUri().toURL()})) {
      loader.loadClass("Example").getMethod("run", Path.class).invoke(null, argument);
    }
    assertTrue(Files.exists(argument), argument::toString);
  }

  private Path fileOfTwoBlocks() throws IOException {
    Path file = Files.createTempFile(dir, "data", ".bin");
    return Files.write(file, new byte[8192]);
  }

  private static List<String> examples() throws IOException {
    Matcher matcher = BLOCK.matcher(Files.readString(Path.of("README.md")));
    List<String> examples = new ArrayList<>();
    while (matcher.find()) {
      examples.add(matcher.group(1));
    }
    return examples;
  }

  private static SimpleJavaFileObject source(String code) {
    return new SimpleJavaFileObject(URI.create("string:///Example.java"), SimpleJavaFileObject.Kind.SOURCE) {
      @Override
      public CharSequence getCharContent(boolean ignoreEncodingErrors) {
        return code;
      }
    };
  }
}
