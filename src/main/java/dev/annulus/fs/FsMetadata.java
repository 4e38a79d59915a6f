package dev.annulus.fs;

/**
 * What storage engines ask about a file. Neither directory nor file is what is neither, such as a fifo or a device.
 *
 * @param length length in bytes
 * @param isDirectory whether it is a directory
 * @param isFile whether it is a regular file
 */
public record FsMetadata(long length, boolean isDirectory, boolean isFile) {}
