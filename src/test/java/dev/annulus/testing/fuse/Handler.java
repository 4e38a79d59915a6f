package dev.annulus.testing.fuse;

/**
 * Decides the answer to requests of a kind. Called by several threads, and must not touch the file
 * system itself.
 */
@FunctionalInterface
public interface Handler {
  Reply answer(Request request);
}
