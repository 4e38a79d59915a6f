/**
 * The runtime's files as channels of {@code java.nio.channels}: code written against {@link java.nio.channels.FileChannel} or {@link
 * java.nio.channels.AsynchronousFileChannel} moves by changing the call that opens them. What differs is said at {@link
 * dev.annulus.adapter.nio.AnnulusFileChannel} and {@link dev.annulus.adapter.nio.AnnulusAsynchronousFileChannel}; above all, an
 * interrupt never closes a channel.
 */
@NullMarked
package dev.annulus.adapter.nio;

import org.jspecify.annotations.NullMarked;
