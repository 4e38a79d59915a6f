package bench;

/** A cell's work as one peer does it, with its files open. */
interface Load {
  /** Works until the meter's deadline, then ends what it has begun. Throws if any operation failed or brought wrong data. */
  void run(Meter meter) throws Exception;
}
