/** A file system in user space whose every answer a test decides: see {@code FaultyFileSystem}. */
@NullMarked
package dev.annulus.testing.fuse;

import org.jspecify.annotations.NullMarked;
