package dev.annulus.adapter.nio;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;

/** Random calls on the JDK's channel and on ours, the whole state compared after each. */
@SuppressWarnings("ReferenceEquality") // that a call returns this very channel
abstract class RandomChannelContract extends ChannelContract {
  private static final int STEPS = 150;
  private static final int LARGEST_FILE_BYTES = 20_000;

  /** Set to repeat a failure. */
  private static final long SEED = Long.getLong("annulus.seed", System.nanoTime());

  @RepeatedTest(25)
  void calls_inRandomOrder_leaveTheStateTheJdksLeave(RepetitionInfo repetition) throws Exception {
    long seed = SEED + repetition.getCurrentRepetition();
    Random random = new Random(seed);
    OpenOption[] options = random.nextInt(4) == 0 ? new OpenOption[] {CREATE, APPEND} : new OpenOption[] {CREATE, READ, WRITE};
    Path theirPath = dir.resolve("jdk");
    Path ourPath = dir.resolve("ours");
    try (FileChannel theirs = JDK.open(theirPath, options);
        FileChannel mine = ours.open(ourPath, options)) {
      for (int step = 0; step < STEPS; step++) {
        long stepSeed = random.nextLong();
        String what = "repetition with -Dannulus.seed=" + (seed - 1) + ", step " + step;
        assertEquals(step(theirs, new Random(stepSeed)), step(mine, new Random(stepSeed)), what);
        assertEquals(theirs.position(), mine.position(), what);
        assertEquals(theirs.size(), mine.size(), what);
        assertEquals(-1, Files.mismatch(theirPath, ourPath), what);
      }
    }
  }

  /** One call, the same for the same state of the random numbers; what came of it. */
  private static String step(FileChannel channel, Random random) {
    try {
      return call(channel, random);
    } catch (IOException | RuntimeException e) {
      return e.getClass().getName();
    }
  }

  private static String call(FileChannel channel, Random random) throws IOException {
    int place = random.nextInt(LARGEST_FILE_BYTES) - (random.nextInt(30) == 0 ? LARGEST_FILE_BYTES : 0);
    ByteBuffer[] buffers = buffers(random);
    int offset = random.nextInt(buffers.length);
    int length = random.nextInt(buffers.length - offset + (random.nextInt(20) == 0 ? 2 : 1));
    int call = random.nextInt(12);
    String result =
        switch (call) {
          case 0 -> "read " + channel.read(buffers[0]);
          case 1 -> "read at " + channel.read(buffers[0], place);
          case 2 -> "scatter " + channel.read(buffers, offset, length);
          case 3 -> "write " + channel.write(buffers[0]);
          case 4, 5 -> "write at " + channel.write(buffers[0], place);
          case 6 -> "gather " + channel.write(buffers, offset, length);
          case 7 -> "seek " + (channel.position(place) == channel);
          case 8 -> "truncate " + (channel.truncate(place + LARGEST_FILE_BYTES / 4L) == channel);
          case 9 -> {
            ByteArrayOutputStream sink = new ByteArrayOutputStream();
            long count = channel.transferTo(place, random.nextInt(5000), Channels.newChannel(sink));
            yield "transferTo " + count + " " + Arrays.hashCode(sink.toByteArray());
          }
          case 10 -> {
            byte[] bytes = new byte[random.nextInt(5000)];
            random.nextBytes(bytes);
            var source = Channels.newChannel(new ByteArrayInputStream(bytes));
            yield "transferFrom " + channel.transferFrom(source, place, random.nextInt(6000));
          }
          default -> "cut " + (channel.truncate(Math.min(place, channel.size())) == channel);
        };
    return result + describe(buffers);
  }

  private static ByteBuffer[] buffers(Random random) {
    List<ByteBuffer> buffers = new ArrayList<>();
    for (int count = 1 + random.nextInt(4); count > 0; count--) {
      byte[] bytes = new byte[random.nextInt(3) == 0 ? random.nextInt(10) : random.nextInt(3000)];
      random.nextBytes(bytes);
      ByteBuffer buffer =
          random.nextBoolean() ? ByteBuffer.wrap(bytes) : ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
      int from = random.nextInt(bytes.length + 1);
      buffer.limit(from + random.nextInt(bytes.length - from + 1)).position(from);
      buffers.add(random.nextInt(4) == 0 ? buffer.slice() : buffer);
    }
    return buffers.toArray(new ByteBuffer[0]);
  }

  private static String describe(ByteBuffer[] buffers) {
    StringBuilder text = new StringBuilder();
    for (ByteBuffer buffer : buffers) {
      byte[] all = new byte[buffer.capacity()];
      buffer.duplicate().clear().get(all);
      text.append(' ').append(buffer.position()).append("..").append(buffer.limit()).append(':');
      text.append(HexFormat.of().toHexDigits(Arrays.hashCode(all)));
    }
    return text.toString();
  }
}
