/**
 * A simulated kernel: it stands behind the real submission and completion queues, executes operations on files in memory, and
 * shows, from a seed, every misbehaviour that real kernels show. Two runs of one seed do the same.
 */
@NullMarked
package dev.annulus.sim;

import org.jspecify.annotations.NullMarked;
