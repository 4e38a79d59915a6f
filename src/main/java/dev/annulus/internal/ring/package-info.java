/**
 * The submission and completion queue protocol over memory shared with the kernel. Knows no future, no thread, no operation and
 * no meaning of an errno: who may touch a ring when is the caller's affair.
 */
@NullMarked
package dev.annulus.internal.ring;

import org.jspecify.annotations.NullMarked;
