package fileserver;

import dev.annulus.Availability;
import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import dev.annulus.testing.Needs;

/** The ways of reading files that the server has. */
enum Reading {
  IO_URING,
  PORTABLE,
  CHANNEL;

  FileAccess access() {
    return switch (this) {
      case IO_URING -> {
        Availability ring = IoRuntime.ioUring();
        if (!ring.isAvailable()) {
          Needs.skip("no io_uring here: " + ring);
        }
        yield new AnnulusAccess(Backend.IO_URING);
      }
      case PORTABLE -> new AnnulusAccess(Backend.PORTABLE);
      case CHANNEL -> new ChannelAccess(4);
    };
  }
}
