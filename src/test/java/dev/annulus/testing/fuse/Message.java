package dev.annulus.testing.fuse;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A message of the kernel: a header, and a body whose form depends on the opcode. */
final class Message {
  private final byte[] bytes;

  Message(byte[] bytes) {
    this.bytes = bytes;
  }

  byte[] bytes() {
    return bytes;
  }

  private ByteBuffer buffer() {
    return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
  }

  int opcode() {
    return buffer().getInt(Wire.IN_OPCODE);
  }

  long unique() {
    return buffer().getLong(Wire.IN_UNIQUE);
  }

  long node() {
    return buffer().getLong(Wire.IN_NODE);
  }

  ByteBuffer body() {
    return body(0);
  }

  /** What follows so many bytes of the body. */
  ByteBuffer body(int at) {
    return buffer().position(Wire.IN_HEADER + at);
  }

  int intAt(int at) {
    return buffer().getInt(Wire.IN_HEADER + at);
  }

  long longAt(int at) {
    return buffer().getLong(Wire.IN_HEADER + at);
  }
}
