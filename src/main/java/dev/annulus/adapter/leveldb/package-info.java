/**
 * LevelDB on the blocking facade: an {@link org.iq80.leveldb.env.Env} for {@code io.github.pcmind:leveldb}, an LSM-tree in pure Java. Needs
 * that library on the class path; nothing else does.
 */
@NullMarked
package dev.annulus.adapter.leveldb;

import org.jspecify.annotations.NullMarked;
