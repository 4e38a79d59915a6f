package lucene;

/** What a thread does again and again. */
enum Load {
  /** Reads a page of documents whose numbers are known. */
  FETCH,
  /** Finds documents by a term, and reads the first page of them. */
  SEARCH
}
