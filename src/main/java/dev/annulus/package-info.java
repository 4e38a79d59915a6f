/**
 * Asynchronous file I/O over Linux io_uring, with a portable backend where io_uring is refused.
 *
 * <p>Start with {@link dev.annulus.IoRuntime#open()}, open a file with {@link dev.annulus.IoRuntime#openFile(java.nio.file.Path,
 * java.nio.file.OpenOption...) openFile}, and use the futures of {@link dev.annulus.AsyncFile}. For blocking code there is {@code
 * dev.annulus.fs}.
 */
@NullMarked
package dev.annulus;

import org.jspecify.annotations.NullMarked;
