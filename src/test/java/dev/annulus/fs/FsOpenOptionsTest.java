package dev.annulus.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class FsOpenOptionsTest {
  @Test
  void none_hasNothingSet() {
    assertEquals(Set.of(), set(FsOpenOptions.none()));
  }

  @Test
  void starters_haveSetWhatTheirNamesSay() {
    assertEquals(Set.of("read"), set(FsOpenOptions.reading()));
    assertEquals(Set.of("write", "create", "truncate"), set(FsOpenOptions.writing()));
    assertEquals(Set.of("append", "create"), set(FsOpenOptions.appending()));
    assertEquals(Set.of("read", "write", "create"), set(FsOpenOptions.updating()));
  }

  static List<String> components() {
    return Arrays.stream(FsOpenOptions.class.getRecordComponents()).map(RecordComponent::getName).toList();
  }

  @ParameterizedTest
  @MethodSource("components")
  void with_onNone_setsJustThat(String component) {
    FsOpenOptions options = with(FsOpenOptions.none(), component, true);
    assertEquals(Set.of(component), set(options));
    assertEquals(FsOpenOptions.none(), with(options, component, false));
  }

  @ParameterizedTest
  @MethodSource("components")
  void with_onAll_clearsJustThat(String component) {
    FsOpenOptions all = FsOpenOptions.none();
    for (String each : components()) {
      all = with(all, each, true);
    }
    Set<String> others = new TreeSet<>(components());
    others.remove(component);
    assertEquals(others, set(with(all, component, false)));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void with_valueItHas_isEqual(boolean value) {
    for (String component : components()) {
      FsOpenOptions options = with(FsOpenOptions.writing(), component, value);
      assertEquals(options, with(options, component, value));
    }
  }

  private static FsOpenOptions with(FsOpenOptions options, String component, boolean value) {
    return switch (component) {
      case "read" -> options.withRead(value);
      case "write" -> options.withWrite(value);
      case "create" -> options.withCreate(value);
      case "createNew" -> options.withCreateNew(value);
      case "truncate" -> options.withTruncate(value);
      case "append" -> options.withAppend(value);
      case "direct" -> options.withDirect(value);
      default -> throw new AssertionError("an option without a with-er here: " + component);
    };
  }

  /** The names of the options that are set, from the record's text. */
  private static Set<String> set(FsOpenOptions options) {
    List<String> names = new ArrayList<>();
    String text = options.toString();
    for (String part : text.substring(text.indexOf('[') + 1, text.length() - 1).split(", ", -1)) {
      if (part.toLowerCase(Locale.ROOT).endsWith("=true")) {
        names.add(part.substring(0, part.indexOf('=')));
      }
    }
    return Set.copyOf(names);
  }
}
