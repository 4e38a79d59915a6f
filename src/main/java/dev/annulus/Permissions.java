package dev.annulus;

import java.nio.file.attribute.PosixFilePermission;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Set;

/** Permission bits as {@code st_mode} holds them, and as {@code java.nio.file} names them. */
final class Permissions {
  private Permissions() {}

  static int toBits(Collection<PosixFilePermission> permissions) {
    int bits = 0;
    for (PosixFilePermission permission : permissions) {
      bits |= bit(permission);
    }
    return bits;
  }

  static Set<PosixFilePermission> ofBits(int bits) {
    Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
    for (PosixFilePermission permission : PosixFilePermission.values()) {
      if ((bits & bit(permission)) != 0) {
        permissions.add(permission);
      }
    }
    return permissions;
  }

  private static int bit(PosixFilePermission permission) {
    return switch (permission) {
      case OWNER_READ -> 0x100;
      case OWNER_WRITE -> 0x80;
      case OWNER_EXECUTE -> 0x40;
      case GROUP_READ -> 0x20;
      case GROUP_WRITE -> 0x10;
      case GROUP_EXECUTE -> 8;
      case OTHERS_READ -> 4;
      case OTHERS_WRITE -> 2;
      case OTHERS_EXECUTE -> 1;
    };
  }
}
