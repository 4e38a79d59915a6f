package bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Each thread does an operation, waits for it, and goes on with the next. */
record ThreadsLoad(Io io, List<Slot> slots, boolean virtual) implements Load {
  /** {@code FsFile::readAt}, {@code FileChannel::read}, and their kin. */
  interface Io {
    int transfer(ByteBuffer buffer, long position) throws IOException;
  }

  /** On the caller's own thread if it is one platform thread. */
  @Override
  public void run(Meter meter) throws Exception {
    if (!virtual && slots.size() == 1) {
      loop(slots.getFirst(), meter);
      return;
    }
    try (ExecutorService threads =
        virtual ? Executors.newVirtualThreadPerTaskExecutor() : Executors.newFixedThreadPool(slots.size())) {
      List<Future<?>> ends = new ArrayList<>();
      for (Slot slot : slots) {
        ends.add(
            threads.submit(
                () -> {
                  loop(slot, meter);
                  return null;
                }));
      }
      for (Future<?> end : ends) {
        end.get();
      }
    }
  }

  private void loop(Slot slot, Meter meter) throws IOException {
    for (long now = System.nanoTime(); now < meter.deadline(); ) {
      slot.prepare();
      slot.check(io.transfer(slot.buffer(), slot.position()));
      long began = now;
      now = System.nanoTime();
      meter.add(now - began);
    }
  }
}
