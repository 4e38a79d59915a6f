package dev.annulus.internal.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.annulus.internal.abi.Arch;
import dev.annulus.internal.abi.KernelReference;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ErrnoTest {
  /** Second names of a number; symbol() gives the first. ENOTSUP, the third such, is the C library's and in no kernel header. */
  private static final Set<String> ALIASES = Set.of("EWOULDBLOCK", "EDEADLOCK");

  private static final int BEYOND_ALL = 4096;

  @ParameterizedTest
  @EnumSource
  void constants_allArchitectures_equalTheKernels(Arch arch) throws ReflectiveOperationException {
    KernelReference reference = KernelReference.of(arch);
    int compared = 0;
    for (Field field : Errno.class.getDeclaredFields()) {
      if (Modifier.isPublic(field.getModifiers())) {
        assertEquals(reference.value(field.getName()), field.getInt(null), field.getName() + " on " + arch);
        compared++;
      }
    }
    assertTrue(compared > 30, "compared " + compared);
  }

  @ParameterizedTest
  @EnumSource
  void symbol_allNumbersOfTheKernel_isTheKernels(Arch arch) {
    KernelReference reference = KernelReference.of(arch);
    TreeMap<Integer, String> expected = new TreeMap<>();
    for (String key : reference.keys()) {
      if (key.matches("E[A-Z0-9]+") && !ALIASES.contains(key)) {
        expected.put((int) reference.value(key), key);
      }
    }
    // The event descriptor's flags begin with an E as well, but have an underscore; nothing else does.
    assertTrue(expected.size() > 120, "found " + expected.size());

    TreeMap<Integer, String> actual = new TreeMap<>();
    for (int number = 0; number <= BEYOND_ALL; number++) {
      String symbol = Errno.symbol(number);
      if (!symbol.equals("E" + number)) {
        actual.put(number, symbol);
      }
    }
    assertEquals(expected, actual);
  }

  @Test
  void symbolAndText_unknownNumber_nameTheNumber() {
    assertEquals("E41", Errno.symbol(41));
    assertEquals("Unknown error 41", Errno.text(41));
  }

  @Test
  void text_allNumbers_isTheCLibrarys() throws Throwable {
    Optional<MemorySegment> symbol = Linker.nativeLinker().defaultLookup().find("strerrordesc_np");
    assumeTrue(symbol.isPresent(), "this C library has no strerrordesc_np(3), which gives texts regardless of the locale");
    MethodHandle describe = link(symbol.orElseThrow());
    int compared = 0;
    for (int number = 1; number <= 133; number++) {
      MemorySegment text = (MemorySegment) describe.invokeExact(number);
      if (!text.equals(MemorySegment.NULL)) {
        assertEquals(string(text), Errno.text(number), "text of " + number);
        compared++;
      }
    }
    assertTrue(compared > 120, "compared " + compared);
  }

  @Test
  void ofText_everyText_isItsNumberInAnyCase() {
    Set<String> texts = new TreeSet<>();
    for (int number = 1; number <= 133; number++) {
      if (Errno.symbol(number).equals("E" + number)) {
        continue;
      }
      String text = Errno.text(number);
      assertTrue(texts.add(text), "two numbers say " + text);
      assertEquals(number, Errno.ofText(text));
      assertEquals(number, Errno.ofText(text.toUpperCase(Locale.ROOT)));
    }
    assertEquals(Errno.EIO, Errno.ofText("no such text"));
  }

  @SuppressWarnings("restricted") // the C library's own table is the only other source of these texts
  private static MethodHandle link(MemorySegment symbol) {
    return Linker.nativeLinker()
        .downcallHandle(symbol, FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
  }

  @SuppressWarnings("restricted") // a pointer to a constant string has no length of its own
  private static String string(MemorySegment text) {
    return text.reinterpret(1024).getString(0);
  }
}
