package wal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ExecutionException;

/** A way of making records durable. Called by many threads. */
@FunctionalInterface
interface Durable {
  /** Returns when the record is on stable storage. */
  void append(ByteBuffer dst) throws IOException, InterruptedException, ExecutionException;
}
