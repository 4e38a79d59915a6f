package dev.annulus.fs;

import java.nio.file.Path;
import java.util.Objects;

/**
 * A name in a directory.
 *
 * @param path the directory's path, as it was given, with the name appended
 * @param fileName the name
 * @param isDirectory whether the name is a directory's; false for a link to one
 */
public record FsDirEntry(Path path, String fileName, boolean isDirectory) {
  /** Checks that path and name are there. */
  public FsDirEntry {
    Objects.requireNonNull(path, "path");
    Objects.requireNonNull(fileName, "fileName");
  }
}
