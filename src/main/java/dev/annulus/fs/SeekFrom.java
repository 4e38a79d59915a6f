package dev.annulus.fs;

/** What a {@linkplain FsFile#seek seek} counts from. */
public enum SeekFrom {
  /** The beginning of the file. */
  START,
  /** The cursor. */
  CURRENT,
  /** The end of the file, as it is at the time of the call. */
  END
}
