/**
 * The seam between what users type and how it is run: operations as data, a driver that runs them, and {@code int} results (a
 * value or a negated errno). Knows no future, no exception type of the public API and no kernel call.
 */
@NullMarked
package dev.annulus.internal.driver;

import org.jspecify.annotations.NullMarked;
