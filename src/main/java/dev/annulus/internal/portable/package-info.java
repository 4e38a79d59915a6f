/** The same operations over {@code java.nio} and a bounded pool of threads, for machines that refuse io_uring. */
@NullMarked
package dev.annulus.internal.portable;

import org.jspecify.annotations.NullMarked;
