package dev.annulus.internal.abi;

import java.util.Locale;
import java.util.Optional;

/**
 * What differs between the processor architectures Linux runs on: system call numbers and four flags of {@code open(2)}.
 *
 * <p>Everything else this package uses (errno values, io_uring constants, struct layouts, the numbers of the three
 * io_uring system calls) is the same on all of them. The values are those of {@code asm/unistd.h} and {@code
 * asm/fcntl.h}; a test holds each of them against values compiled from the kernel's own headers.
 */
public enum Arch {
  X86_64(new Numbers(257, 3, 332, 77, 73, 258, 263, 316, 265, 217, 0, 1, 17, 18, 295, 296, 74, 75, 285, 290, 327, 328),
      0x4000, 0x10000, 0x20000),
  AARCH64(Numbers.GENERIC, 0x10000, 0x4000, 0x8000),
  RISCV64(Numbers.GENERIC, 0x4000, 0x10000, 0x20000),
  PPC64LE(new Numbers(286, 6, 383, 93, 143, 287, 292, 357, 294, 202, 3, 4, 179, 180, 320, 321, 118, 148, 309, 314, 380, 381),
      0x20000, 0x4000, 0x8000),
  S390X(new Numbers(288, 6, 379, 93, 143, 289, 294, 347, 296, 220, 3, 4, 180, 181, 328, 329, 118, 148, 314, 323, 376, 377),
      0x4000, 0x10000, 0x20000);

  /** System call numbers, in the order the constructor lists them. */
  public record Numbers(
      int openat,
      int close,
      int statx,
      int ftruncate,
      int flock,
      int mkdirat,
      int unlinkat,
      int renameat2,
      int linkat,
      int getdents64,
      int read,
      int write,
      int pread64,
      int pwrite64,
      int preadv,
      int pwritev,
      int fsync,
      int fdatasync,
      int fallocate,
      int eventfd2,
      int preadv2,
      int pwritev2) {
    /** The table of asm-generic/unistd.h, which newer architectures share. */
    static final Numbers GENERIC =
        new Numbers(56, 57, 291, 46, 32, 34, 35, 276, 37, 61, 63, 64, 67, 68, 69, 70, 82, 83, 47, 19, 286, 287);
  }

  public final Numbers numbers;
  /** {@code O_DIRECT}. */
  public final int openDirect;
  /** {@code O_DIRECTORY}. */
  public final int openDirectory;
  /** {@code O_NOFOLLOW}. */
  public final int openNoFollow;

  Arch(Numbers numbers, int openDirect, int openDirectory, int openNoFollow) {
    this.numbers = numbers;
    this.openDirect = openDirect;
    this.openDirectory = openDirectory;
    this.openNoFollow = openNoFollow;
  }

  /** The architecture of this JVM, or empty where this is not Linux or not one of the architectures above. */
  public static Optional<Arch> current() {
    if (!System.getProperty("os.name", "").equals("Linux")) {
      return Optional.empty();
    }
    return ofJvmName(System.getProperty("os.arch", ""));
  }

  /** Resolves the JVM's {@code os.arch}. */
  static Optional<Arch> ofJvmName(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "amd64", "x86_64" -> Optional.of(X86_64);
      case "aarch64" -> Optional.of(AARCH64);
      case "riscv64" -> Optional.of(RISCV64);
      case "ppc64le" -> Optional.of(PPC64LE);
      case "s390x" -> Optional.of(S390X);
      default -> Optional.empty();
    };
  }
}
