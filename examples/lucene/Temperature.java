package lucene;

/** What of the index is in the page cache when a measurement begins. */
enum Temperature {
  WARM,
  COLD
}
