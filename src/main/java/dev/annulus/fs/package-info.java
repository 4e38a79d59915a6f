/**
 * The blocking facade for storage engines: files and directories as one would wish {@code java.nio.file} to be, each call one
 * operation of an {@link dev.annulus.IoRuntime}, waited for. Failures are {@link java.io.IOException}s whose kind {@link
 * dev.annulus.ErrorKind#of} tells.
 */
@NullMarked
package dev.annulus.fs;

import org.jspecify.annotations.NullMarked;
