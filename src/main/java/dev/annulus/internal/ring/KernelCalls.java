package dev.annulus.internal.ring;

import dev.annulus.internal.abi.Syscalls;
import java.lang.foreign.MemorySegment;

/** The calls that make and unmake a ring, so that tests can let each of them fail. Results as in {@link Syscalls}. */
interface KernelCalls {
  int setup(int entries, MemorySegment params);

  long mmap(long length, int protection, int flags, int fd, long offset);

  MemorySegment segment(long address, long size);

  void munmap(MemorySegment mapping);

  int close(int fd);

  /** The kernel this program runs on. */
  KernelCalls REAL =
      new KernelCalls() {
        @Override
        public int setup(int entries, MemorySegment params) {
          return Syscalls.ioUringSetup(entries, params);
        }

        @Override
        public long mmap(long length, int protection, int flags, int fd, long offset) {
          return Syscalls.mmap(length, protection, flags, fd, offset);
        }

        @Override
        public MemorySegment segment(long address, long size) {
          return Syscalls.segment(address, size);
        }

        @Override
        public void munmap(MemorySegment mapping) {
          Syscalls.munmap(mapping);
        }

        @Override
        public int close(int fd) {
          return Syscalls.close(fd);
        }
      };
}
