package dev.annulus.internal.abi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ArchTest {
  /** Kernel names of the fields that are not system call numbers. A new field needs a line here. */
  private static final Map<String, String> FLAGS =
      Map.of("openDirect", "O_DIRECT", "openDirectory", "O_DIRECTORY", "openNoFollow", "O_NOFOLLOW");

  @ParameterizedTest
  @EnumSource
  void systemCallNumbers_allArchitectures_equalTheKernels(Arch arch) throws ReflectiveOperationException {
    KernelReference reference = KernelReference.of(arch);
    RecordComponent[] components = Arch.Numbers.class.getRecordComponents();
    assertTrue(components.length > 20, "no system calls to compare");
    for (RecordComponent component : components) {
      String key = "__NR_" + component.getName();
      assertEquals(reference.value(key), (int) component.getAccessor().invoke(arch.numbers), key + " of " + arch);
    }
  }

  @ParameterizedTest
  @EnumSource
  void openFlags_allArchitectures_equalTheKernels(Arch arch) throws ReflectiveOperationException {
    KernelReference reference = KernelReference.of(arch);
    int compared = 0;
    for (Field field : Arch.class.getDeclaredFields()) {
      if (Modifier.isStatic(field.getModifiers()) || field.getType() == Arch.Numbers.class) {
        continue;
      }
      String key = FLAGS.get(field.getName());
      assertNotNull(key, "no kernel name is known for " + field);
      assertEquals(reference.value(key), field.getInt(arch), key + " of " + arch);
      compared++;
    }
    assertEquals(FLAGS.size(), compared);
  }

  @ParameterizedTest
  @CsvSource({"amd64,X86_64", "x86_64,X86_64", "aarch64,AARCH64", "riscv64,RISCV64", "ppc64le,PPC64LE", "s390x,S390X"})
  void ofJvmName_known_isThatArchitecture(String name, Arch arch) {
    assertEquals(Optional.of(arch), Arch.ofJvmName(name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x86", "i386", "arm", "ppc64", "loongarch64", "sparcv9"})
  void ofJvmName_other_isNone(String name) {
    assertEquals(Optional.empty(), Arch.ofJvmName(name));
  }

  @Test
  void current_onLinux_isWhatSystemCallsUse() {
    assertEquals(Optional.of(Syscalls.arch()), Arch.current());
  }
}
