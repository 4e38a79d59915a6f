package dev.annulus;

import java.nio.file.Path;
import java.util.Objects;

/**
 * A name in a directory.
 *
 * @param path the directory's path, as it was given, with the name appended
 * @param isDirectory whether the name is a directory's; false for a link to one
 */
public record DirectoryEntry(Path path, boolean isDirectory) {
  /** Checks that there is a path. */
  public DirectoryEntry {
    Objects.requireNonNull(path, "path");
  }
}
