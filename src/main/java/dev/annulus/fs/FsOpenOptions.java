package dev.annulus.fs;

/**
 * How a file is opened.
 *
 * <p>Combinations without a meaning are refused when opening, as {@link dev.annulus.ErrorKind#INVALID_INPUT}: none of {@code read},
 * {@code write} and {@code append}; {@code truncate} with {@code append}, or without {@code write}; {@code create} or {@code
 * createNew} without {@code write} or {@code append}.
 *
 * @param read whether to read
 * @param write whether to write
 * @param create whether to make the file if there is none
 * @param createNew whether to make the file, failing if there is one
 * @param truncate whether to cut the file to length 0
 * @param append whether every write goes to the end of file, atomically against other appenders
 * @param direct whether to bypass the page cache; positions, lengths and addresses must then be aligned to the device's blocks
 */
public record FsOpenOptions(
    boolean read,
    boolean write,
    boolean create,
    boolean createNew,
    boolean truncate,
    boolean append,
    boolean direct) {
  /**
   * To start from.
   *
   * @return options with nothing set
   */
  public static FsOpenOptions none() {
    return new FsOpenOptions(false, false, false, false, false, false, false);
  }

  /**
   * For reading what is there.
   *
   * @return options with {@code read} set
   */
  public static FsOpenOptions reading() {
    return none().withRead(true);
  }

  /**
   * For writing from scratch: makes the file, or empties it.
   *
   * @return options with {@code write}, {@code create} and {@code truncate} set
   */
  public static FsOpenOptions writing() {
    return none().withWrite(true).withCreate(true).withTruncate(true);
  }

  /**
   * For writing at the end of a file that may not be there.
   *
   * @return options with {@code append} and {@code create} set
   */
  public static FsOpenOptions appending() {
    return none().withAppend(true).withCreate(true);
  }

  /**
   * For reading and writing in place a file that may not be there.
   *
   * @return options with {@code read}, {@code write} and {@code create} set
   */
  public static FsOpenOptions updating() {
    return none().withRead(true).withWrite(true).withCreate(true);
  }

  /**
   * Changes {@code read}.
   *
   * @param read its new value
   * @return a copy with that value
   */
  public FsOpenOptions withRead(boolean read) {
    return new FsOpenOptions(read, write, create, createNew, truncate, append, direct);
  }

  /**
   * Changes {@code write}.
   *
   * @param write its new value
   * @return a copy with that value
   */
  public FsOpenOptions withWrite(boolean write) {
    return new FsOpenOptions(read, write, create, createNew, truncate, append, direct);
  }

  /**
   * Changes {@code create}.
   *
   * @param create its new value
   * @return a copy with that value
   */
  public FsOpenOptions withCreate(boolean create) {
    return new FsOpenOptions(read, write, create, createNew, truncate, append, direct);
  }

  /**
   * Changes {@code createNew}.
   *
   * @param createNew its new value
   * @return a copy with that value
   */
  public FsOpenOptions withCreateNew(boolean createNew) {
    return new FsOpenOptions(read, write, create, createNew, truncate, append, direct);
  }

  /**
   * Changes {@code truncate}.
   *
   * @param truncate its new value
   * @return a copy with that value
   */
  public FsOpenOptions withTruncate(boolean truncate) {
    return new FsOpenOptions(read, write, create, createNew, truncate, append, direct);
  }

  /**
   * Changes {@code append}.
   *
   * @param append its new value
   * @return a copy with that value
   */
  public FsOpenOptions withAppend(boolean append) {
    return new FsOpenOptions(read, write, create, createNew, truncate, append, direct);
  }

  /**
   * Changes {@code direct}.
   *
   * @param direct its new value
   * @return a copy with that value
   */
  public FsOpenOptions withDirect(boolean direct) {
    return new FsOpenOptions(read, write, create, createNew, truncate, append, direct);
  }
}
