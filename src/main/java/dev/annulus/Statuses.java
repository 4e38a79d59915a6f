package dev.annulus;

import dev.annulus.internal.driver.StatResult;
import java.nio.file.attribute.FileTime;
import java.time.Instant;

/** Makes {@link FileStatus} of what a driver found out. */
final class Statuses {
  private Statuses() {}

  static FileStatus of(StatResult r) {
    return new FileStatus(
        r.sizeBytes,
        r.mode,
        r.inode,
        r.device,
        r.linkCount,
        r.userId,
        r.groupId,
        r.blockSizeBytes,
        r.blocks,
        time(r.modifiedSeconds, r.modifiedNanos),
        time(r.accessedSeconds, r.accessedNanos),
        time(r.changedSeconds, r.changedNanos),
        time(r.createdSeconds, r.createdNanos));
  }

  static DirectAlignment directAlignmentOf(StatResult r) {
    return r.directAlignmentKnown
        ? DirectAlignment.told(r.directMemoryBytes, r.directPositionBytes)
        : DirectAlignment.guessed(r.blockSizeBytes);
  }

  private static FileTime time(long seconds, int nanos) {
    return FileTime.from(Instant.ofEpochSecond(seconds, nanos));
  }
}
