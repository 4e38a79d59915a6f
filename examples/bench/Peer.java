package bench;

import java.util.Arrays;
import java.util.Locale;

/** Who does the work. */
enum Peer {
  /** This library, on the best backend there is. */
  ANNULUS("Annulus"),
  /** This library without io_uring. */
  ANNULUS_PORTABLE("Annulus, portable backend"),
  /** {@code FileChannel} on platform threads. */
  JDK_FC("FileChannel, platform threads"),
  /** {@code FileChannel} on virtual threads. */
  JDK_VT("FileChannel, virtual threads"),
  /** {@code AsynchronousFileChannel} on a pool. */
  JDK_AFC("AsynchronousFileChannel");

  private final String title;

  Peer(String title) {
    this.title = title;
  }

  String id() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  String title() {
    return title;
  }

  boolean isOurs() {
    return this == ANNULUS || this == ANNULUS_PORTABLE;
  }

  static Peer of(String id) {
    return Arrays.stream(values()).filter(peer -> peer.id().equals(id)).findFirst().orElseThrow();
  }
}
