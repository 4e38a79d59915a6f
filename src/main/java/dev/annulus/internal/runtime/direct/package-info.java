/**
 * The same operations as plain system calls on the calling thread: for those io_uring has no opcode for, for kernels that lack
 * an opcode, and for callers that would only wait for the ring.
 */
@NullMarked
package dev.annulus.internal.runtime.direct;

import org.jspecify.annotations.NullMarked;
