package dev.annulus.testing.fuse;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;

/** {@code mount(2)} and {@code umount2(2)}: 0, or a negated errno. */
public final class Mount {
  private static final long MS_NOSUID = 2;
  private static final long MS_NODEV = 4;
  private static final int MNT_FORCE = 1;
  private static final int MNT_DETACH = 2;

  private static final Linker.Option ERRNO_CAPTURE = Linker.Option.captureCallState("errno");
  private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final MethodHandle MOUNT =
      link("mount", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));
  private static final MethodHandle UMOUNT =
      link("umount2", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));

  private Mount() {}

  /** Mounts a file system of the type on a directory. */
  public static int mount(String source, Path directory, String type, String options) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(CAPTURE);
      int result =
          (int)
              MOUNT.invokeExact(
                  capture,
                  arena.allocateFrom(source),
                  arena.allocateFrom(directory.toString()),
                  arena.allocateFrom(type),
                  MS_NOSUID | MS_NODEV,
                  arena.allocateFrom(options));
      return result == 0 ? 0 : -(int) ERRNO.get(capture, 0L);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Unmounts at once: what the file system has not answered fails, and files that are open go on as
   * dead ones.
   */
  public static int unmount(Path directory) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment capture = arena.allocate(CAPTURE);
      int result =
          (int)
              UMOUNT.invokeExact(
                  capture, arena.allocateFrom(directory.toString()), MNT_FORCE | MNT_DETACH);
      return result == 0 ? 0 : -(int) ERRNO.get(capture, 0L);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @SuppressWarnings("restricted")
  private static MethodHandle link(String symbol, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    MemorySegment address = linker.defaultLookup().findOrThrow(symbol);
    return linker.downcallHandle(address, descriptor, ERRNO_CAPTURE);
  }
}
