/** A directory for Lucene's indexes. Needs {@code lucene-core} on the class path; nothing else does. */
@NullMarked
package dev.annulus.adapter.lucene;

import org.jspecify.annotations.NullMarked;
