package dev.annulus.internal.driver;

/** How a file is opened. What the combinations mean to a user is settled above the seam; drivers obey to the letter. */
public enum OpenFlag {
  READ,
  WRITE,
  /** Every write goes to the end of file, atomically. */
  APPEND,
  CREATE,
  CREATE_NEW,
  TRUNCATE,
  /** Bypass the page cache ({@code O_DIRECT}). */
  DIRECT,
  /** Each write returns with its data on stable storage ({@code O_DSYNC}). */
  DSYNC,
  /** As {@link #DSYNC}, with all of the file's metadata ({@code O_SYNC}). */
  SYNC,
  /** Fail if the last part of the path is a symbolic link. */
  NO_FOLLOW,
  /** Fail if this is not a directory. */
  DIRECTORY
}
