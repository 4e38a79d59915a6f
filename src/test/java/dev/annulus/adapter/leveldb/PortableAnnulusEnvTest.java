package dev.annulus.adapter.leveldb;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;

/** {@link AnnulusEnvContract} on the portable backend. */
final class PortableAnnulusEnvTest extends AnnulusEnvContract {
  @Override
  IoRuntime.Builder configure(IoRuntime.Builder builder) {
    return builder.backend(Backend.PORTABLE);
  }
}
