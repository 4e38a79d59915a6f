package dev.annulus.internal.abi;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;

/** The constants a C compiler found in the kernel's headers for one architecture: what ours are held against. */
public final class KernelReference {
  private final String resource;
  private final Properties values = new Properties();

  private KernelReference(String resource) {
    this.resource = resource;
    InputStream stream = KernelReference.class.getResourceAsStream(resource);
    if (stream == null) {
      throw new AssertionError("no reference " + resource);
    }
    try (InputStreamReader reader = new InputStreamReader(stream, StandardCharsets.UTF_8)) {
      values.load(reader);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static KernelReference of(Arch arch) {
    return new KernelReference("linux-" + arch.name().toLowerCase(Locale.ROOT).replace('_', '-') + ".properties");
  }

  public boolean has(String key) {
    return values.containsKey(key);
  }

  /** The value of a key, or the sum of several joined with {@code +}. A key that is not there fails the test. */
  public long value(String keys) {
    long sum = 0;
    for (String key : keys.split("\\+", -1)) {
      String value = values.getProperty(key);
      if (value == null) {
        throw new AssertionError("no " + key + " in " + resource);
      }
      sum += Long.parseLong(value);
    }
    return sum;
  }

  public Set<String> keys() {
    return new TreeSet<>(values.stringPropertyNames());
  }

  @Override
  public String toString() {
    return resource;
  }
}
