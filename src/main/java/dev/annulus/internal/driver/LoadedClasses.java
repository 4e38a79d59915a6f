package dev.annulus.internal.driver;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.stream.Stream;

/**
 * Loads the classes of this library while there are descriptors. A class that is first needed when
 * there are none cannot be read from a directory, and its {@link NoClassDefFoundError} is for good.
 * From a jar it can: the class loader keeps that open. So only a directory's classes are loaded
 * here, and the start of a packaged program pays nothing.
 */
public final class LoadedClasses {
  /** Runs once, with the first runtime of the class loader. */
  private static final boolean DONE = loadAll();

  private LoadedClasses() {}

  /** Loads what is not loaded yet. Never throws: then each class is loaded when it is needed. */
  public static void ensure() {
    boolean _ = DONE;
  }

  private static boolean loadAll() {
    try {
      CodeSource source = LoadedClasses.class.getProtectionDomain().getCodeSource();
      URL location = source == null ? null : source.getLocation(); // a class loader need not tell
      if (location == null || !"file".equals(location.getProtocol())) {
        return false;
      }
      Path root = Path.of(URI.create(location.toString()));
      if (!Files.isDirectory(root)) {
        return true;
      }
      try (Stream<Path> files = Files.walk(root.resolve("dev/annulus"))) {
        files.map(root::relativize).forEach(LoadedClasses::load);
      }
      return true;
    } catch (IOException | UncheckedIOException | IllegalArgumentException | LinkageError e) {
      return false;
    }
  }

  private static void load(Path classFile) {
    String suffix = ".class";
    String name = classFile.toString().replace('/', '.');
    if (!name.endsWith(suffix) || name.endsWith("-info" + suffix)) {
      return;
    }
    try {
      String type = name.substring(0, name.length() - suffix.length());
      Class<?> _ = Class.forName(type, false, LoadedClasses.class.getClassLoader());
    } catch (ClassNotFoundException | LinkageError e) {
      // An adapter of a library that is not there.
    }
  }
}
