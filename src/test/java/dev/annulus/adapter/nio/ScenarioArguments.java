package dev.annulus.adapter.nio;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.List;

/** What scenarios give to channels: buffers with texts, and channels that are awkward to transfer from and to. */
final class ScenarioArguments {
  private ScenarioArguments() {}

  /** A null where none may be. */
  @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
  static <T> T none() {
    return null;
  }

  static ByteBuffer text(String text) {
    return ByteBuffer.wrap(text.getBytes(ISO_8859_1));
  }

  static ByteBuffer direct(String text) {
    return ByteBuffer.allocateDirect(text.length()).put(text.getBytes(ISO_8859_1)).flip();
  }

  /** Without the first and the last byte. */
  static ByteBuffer slice(ByteBuffer buffer) {
    return buffer.slice(1, buffer.capacity() - 2);
  }

  static ReadableByteChannel source(String text) {
    return Channels.newChannel(new ByteArrayInputStream(text.getBytes(ISO_8859_1)));
  }

  /** Gives some bytes, one at a time, and then fails. */
  static ReadableByteChannel failing(int after) {
    return new ReadableByteChannel() {
      private int left = after;

      @Override
      public int read(ByteBuffer dst) throws IOException {
        if (left-- <= 0) {
          throw new IOException("enough");
        }
        dst.put((byte) '!');
        return 1;
      }

      @Override
      public boolean isOpen() {
        return true;
      }

      @Override
      public void close() {}
    };
  }

  static <C extends WritableByteChannel> C closed(C channel) throws IOException {
    channel.close();
    return channel;
  }

  /** Takes so much at a time, and fails when it has been given so much. */
  static final class Sink implements WritableByteChannel {
    private final ByteArrayOutputStream taken = new ByteArrayOutputStream();
    private final int atOnce;
    private final int most;
    private boolean open = true;

    Sink(int atOnce, int most) {
      this.atOnce = atOnce;
      this.most = most;
    }

    String text() {
      return taken.toString(ISO_8859_1);
    }

    @Override
    public int write(ByteBuffer src) throws IOException {
      if (taken.size() >= most) {
        throw new IOException("full");
      }
      List<Byte> bytes = new ArrayList<>();
      while (src.hasRemaining() && bytes.size() < atOnce) {
        bytes.add(src.get());
      }
      bytes.forEach(taken::write);
      return bytes.size();
    }

    @Override
    public boolean isOpen() {
      return open;
    }

    @Override
    public void close() {
      open = false;
    }
  }
}
