/**
 * Runs operations on an io_uring: one reaper thread owns the ring, submitters hand requests over a queue, a table of slots owns
 * everything the kernel can touch.
 */
@NullMarked
package dev.annulus.internal.runtime;

import org.jspecify.annotations.NullMarked;
