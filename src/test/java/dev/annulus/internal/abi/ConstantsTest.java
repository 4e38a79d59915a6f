package dev.annulus.internal.abi;

import static java.util.Map.entry;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every constant of the package against the kernel's headers, found by reflection so that a new one cannot be forgotten. */
class ConstantsTest {
  /** Names the headers do not have, and why. */
  private static final Map<String, String> OURS =
      Map.of(
          "IoUring.MAX_ENTRIES", "IORING_MAX_ENTRIES is in the kernel's io_uring.c, in no header; KernelRingTest tries it",
          "IovecLayout.MAX_COUNT", "UIO_MAXIOV is not among the references; SyscallsTest tries it");

  /** For each layout and each of its constants the reference keys it must equal; a union has one for each name. */
  private static final Map<Class<?>, Map<String, List<String>>> LAYOUTS =
      Map.of(
          SqeLayout.class,
          Map.of(
              "SIZE", List.of("sizeof.io_uring_sqe"),
              "OPCODE", List.of("offsetof.io_uring_sqe.opcode"),
              "FLAGS", List.of("offsetof.io_uring_sqe.flags"),
              "IOPRIO", List.of("offsetof.io_uring_sqe.ioprio"),
              "FD", List.of("offsetof.io_uring_sqe.fd"),
              "OFF", List.of("offsetof.io_uring_sqe.off", "offsetof.io_uring_sqe.addr2"),
              "ADDR", List.of("offsetof.io_uring_sqe.addr"),
              "LEN", List.of("offsetof.io_uring_sqe.len"),
              "OP_FLAGS",
                  List.of(
                      "offsetof.io_uring_sqe.rw_flags",
                      "offsetof.io_uring_sqe.fsync_flags",
                      "offsetof.io_uring_sqe.open_flags",
                      "offsetof.io_uring_sqe.statx_flags",
                      "offsetof.io_uring_sqe.rename_flags",
                      "offsetof.io_uring_sqe.unlink_flags",
                      "offsetof.io_uring_sqe.hardlink_flags",
                      "offsetof.io_uring_sqe.cancel_flags"),
              "USER_DATA", List.of("offsetof.io_uring_sqe.user_data")),
          CqeLayout.class,
          Map.of(
              "SIZE", List.of("sizeof.io_uring_cqe"),
              "USER_DATA", List.of("offsetof.io_uring_cqe.user_data"),
              "RES", List.of("offsetof.io_uring_cqe.res"),
              "FLAGS", List.of("offsetof.io_uring_cqe.flags")),
          ParamsLayout.class,
          Map.ofEntries(
              entry("SIZE", List.of("sizeof.io_uring_params")),
              entry("SQ_ENTRIES", List.of("offsetof.io_uring_params.sq_entries")),
              entry("CQ_ENTRIES", List.of("offsetof.io_uring_params.cq_entries")),
              entry("FLAGS", List.of("offsetof.io_uring_params.flags")),
              entry("FEATURES", List.of("offsetof.io_uring_params.features")),
              entry("SQ_HEAD", inSq("head")),
              entry("SQ_TAIL", inSq("tail")),
              entry("SQ_RING_MASK", inSq("ring_mask")),
              entry("SQ_RING_ENTRIES", inSq("ring_entries")),
              entry("SQ_FLAGS", inSq("flags")),
              entry("SQ_DROPPED", inSq("dropped")),
              entry("SQ_ARRAY", inSq("array")),
              entry("CQ_HEAD", inCq("head")),
              entry("CQ_TAIL", inCq("tail")),
              entry("CQ_RING_MASK", inCq("ring_mask")),
              entry("CQ_RING_ENTRIES", inCq("ring_entries")),
              entry("CQ_OVERFLOW", inCq("overflow")),
              entry("CQ_CQES", inCq("cqes"))),
          GetEventsArgLayout.class,
          Map.of(
              "SIZE", List.of("sizeof.io_uring_getevents_arg"),
              "TS", List.of("offsetof.io_uring_getevents_arg.ts"),
              "TIMESPEC", List.of("sizeof.io_uring_getevents_arg"),
              "TIMESPEC_SEC", List.of("sizeof.io_uring_getevents_arg+offsetof.__kernel_timespec.tv_sec"),
              "TIMESPEC_NSEC", List.of("sizeof.io_uring_getevents_arg+offsetof.__kernel_timespec.tv_nsec"),
              "SIZE_WITH_TIMESPEC", List.of("sizeof.io_uring_getevents_arg+sizeof.__kernel_timespec")),
          RsrcUpdateLayout.class,
          Map.of(
              "SIZE", List.of("sizeof.io_uring_rsrc_update"),
              "OFFSET", List.of("offsetof.io_uring_rsrc_update.offset"),
              "DATA", List.of("offsetof.io_uring_rsrc_update.data")),
          ProbeLayout.class,
          Map.of(
              "SIZE", List.of("sizeof.io_uring_probe"),
              "LAST_OP", List.of("offsetof.io_uring_probe.last_op"),
              "OPS_LEN", List.of("offsetof.io_uring_probe.ops_len"),
              "OPS", List.of("offsetof.io_uring_probe.ops"),
              "OP_SIZE", List.of("sizeof.io_uring_probe_op"),
              "OP_FLAGS", List.of("offsetof.io_uring_probe_op.flags")),
          StatxLayout.class,
          Map.ofEntries(
              entry("SIZE", List.of("sizeof.statx")),
              entry("MASK", List.of("offsetof.statx.stx_mask")),
              entry("BLKSIZE", List.of("offsetof.statx.stx_blksize")),
              entry("NLINK", List.of("offsetof.statx.stx_nlink")),
              entry("UID", List.of("offsetof.statx.stx_uid")),
              entry("GID", List.of("offsetof.statx.stx_gid")),
              entry("MODE", List.of("offsetof.statx.stx_mode")),
              entry("INO", List.of("offsetof.statx.stx_ino")),
              entry("STX_SIZE", List.of("offsetof.statx.stx_size")),
              entry("BLOCKS", List.of("offsetof.statx.stx_blocks")),
              entry("ATIME", List.of("offsetof.statx.stx_atime")),
              entry("BTIME", List.of("offsetof.statx.stx_btime")),
              entry("CTIME", List.of("offsetof.statx.stx_ctime")),
              entry("MTIME", List.of("offsetof.statx.stx_mtime")),
              entry("TIMESTAMP_NSEC", List.of("offsetof.statx_timestamp.tv_nsec")),
              entry("DEV_MAJOR", List.of("offsetof.statx.stx_dev_major")),
              entry("DEV_MINOR", List.of("offsetof.statx.stx_dev_minor")),
              entry("MNT_ID", List.of("offsetof.statx.stx_mnt_id")),
              entry("DIO_MEM_ALIGN", List.of("offsetof.statx.stx_dio_mem_align")),
              entry("DIO_OFFSET_ALIGN", List.of("offsetof.statx.stx_dio_offset_align"))),
          IovecLayout.class,
          Map.of(
              "SIZE", List.of("sizeof.iovec"),
              "BASE", List.of("offsetof.iovec.iov_base"),
              "LEN", List.of("offsetof.iovec.iov_len")),
          DirentLayout.class,
          Map.of(
              // A record's fixed part ends where the name begins; sizeof counts the padding behind it too.
              "SIZE", List.of("offsetof.linux_dirent64.d_name"),
              "RECLEN", List.of("offsetof.linux_dirent64.d_reclen"),
              "TYPE", List.of("offsetof.linux_dirent64.d_type"),
              "NAME", List.of("offsetof.linux_dirent64.d_name"),
              "DT_UNKNOWN", List.of("DT_UNKNOWN"),
              "DT_DIR", List.of("DT_DIR")));

  private static List<String> inSq(String member) {
    return List.of("offsetof.io_uring_params.sq_off+offsetof.io_sqring_offsets." + member);
  }

  private static List<String> inCq(String member) {
    return List.of("offsetof.io_uring_params.cq_off+offsetof.io_cqring_offsets." + member);
  }

  @ParameterizedTest
  @EnumSource
  void ioUring_allArchitectures_equalsTheKernels(Arch arch) throws ReflectiveOperationException {
    assertTrue(compareByName(IoUring.class, arch) > 40);
  }

  @ParameterizedTest
  @EnumSource
  void fcntl_allArchitectures_equalsTheKernels(Arch arch) throws ReflectiveOperationException {
    assertTrue(compareByName(Fcntl.class, arch) > 25);
  }

  @ParameterizedTest
  @EnumSource
  void layouts_allArchitectures_equalTheKernels(Arch arch) throws ReflectiveOperationException {
    KernelReference reference = KernelReference.of(arch);
    for (Map.Entry<Class<?>, Map<String, List<String>>> layout : LAYOUTS.entrySet()) {
      Set<String> unused = new TreeSet<>(layout.getValue().keySet());
      for (Field field : constants(layout.getKey())) {
        List<String> keys = layout.getValue().get(field.getName());
        assertNotNull(keys, "no reference is named for " + field);
        for (String key : keys) {
          assertSame(reference.value(key), field, arch);
        }
        unused.remove(field.getName());
      }
      assertEquals(Set.of(), unused, "named here, gone from " + layout.getKey());
    }
  }

  @Test
  void layouts_inThePackage_areAllCompared() {
    Set<String> found = new TreeSet<>();
    for (JavaClass type :
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.annulus.internal.abi")) {
      if (type.getSimpleName().endsWith("Layout")) {
        found.add(type.getSimpleName());
      }
    }
    Set<String> compared = new TreeSet<>();
    LAYOUTS.keySet().forEach(type -> compared.add(type.getSimpleName()));
    assertEquals(compared, found);
  }

  @Test
  void structs_sizes_areTheKernels() {
    assertEquals(64, SqeLayout.SIZE);
    assertEquals(16, CqeLayout.SIZE);
    assertEquals(120, ParamsLayout.SIZE);
    assertEquals(256, StatxLayout.SIZE);
    assertEquals(16, IovecLayout.SIZE);
    assertEquals(24, GetEventsArgLayout.SIZE);
  }

  private static int compareByName(Class<?> type, Arch arch) throws ReflectiveOperationException {
    KernelReference reference = KernelReference.of(arch);
    int compared = 0;
    for (Field field : constants(type)) {
      String name = field.getName();
      assertSame(reference.value(name.startsWith("NR_") ? "__" + name : name), field, arch);
      compared++;
    }
    return compared;
  }

  private static List<Field> constants(Class<?> type) {
    List<Field> constants = new ArrayList<>();
    for (Field field : type.getDeclaredFields()) {
      if (Modifier.isStatic(field.getModifiers())
          && !field.isSynthetic()
          && !OURS.containsKey(type.getSimpleName() + "." + field.getName())) {
        constants.add(field);
      }
    }
    return constants;
  }

  /** The references hold flags of 32 bits as positive numbers; a Java int may show the same bits as a negative one. */
  private static void assertSame(long expected, Field field, Arch arch) throws ReflectiveOperationException {
    long actual = field.getLong(null);
    boolean sameBits = field.getType() == int.class && actual < 0 && Integer.toUnsignedLong((int) actual) == expected;
    if (!sameBits) {
      assertEquals(expected, actual, field + " on " + arch);
    }
  }
}
