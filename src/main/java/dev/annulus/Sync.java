package dev.annulus;

/** How much of a file is put on stable storage. */
public enum Sync {
  /** The data, and of the metadata what is needed to read it back, such as the file's length: {@code fdatasync(2)}. */
  DATA,
  /** The data and all metadata: {@code fsync(2)}. */
  ALL
}
