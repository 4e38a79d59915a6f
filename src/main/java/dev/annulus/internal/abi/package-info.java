/**
 * The Linux binary interface: one class per C struct with its offsets, constants under their kernel names, system calls through
 * the foreign function interface. No state and no policy.
 */
@NullMarked
package dev.annulus.internal.abi;

import org.jspecify.annotations.NullMarked;
