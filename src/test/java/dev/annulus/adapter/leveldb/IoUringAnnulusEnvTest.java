package dev.annulus.adapter.leveldb;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;

/** {@link AnnulusEnvContract} on io_uring. */
final class IoUringAnnulusEnvTest extends AnnulusEnvContract {
  @Override
  IoRuntime.Builder configure(IoRuntime.Builder builder) {
    return builder.backend(Backend.IO_URING);
  }
}
