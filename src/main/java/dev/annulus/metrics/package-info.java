/** Publishes what a runtime does through Micrometer. Needs {@code micrometer-core} on the class path; nothing else does. */
@NullMarked
package dev.annulus.metrics;

import org.jspecify.annotations.NullMarked;
