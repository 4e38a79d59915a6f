package dev.annulus.metrics;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Meters of an {@link IoRuntime}. Safe for use by several threads.
 *
 * <pre>{@code
 * IoRuntimeMetrics metrics = new IoRuntimeMetrics(runtime, Tags.empty());
 * metrics.bindTo(registry);
 * }</pre>
 *
 * <p>Each meter carries the tags {@code runtime} ({@link IoRuntime#name()}) and {@code backend} ({@code io_uring} or {@code portable});
 * tags given to the constructor come on top, and replace those of the same key.
 *
 * <table>
 * <caption>Meters</caption>
 * <tr><th>name</th><th>type</th><th>further tags</th><th>meaning</th></tr>
 * <tr><td>{@code annulus.operations.in.flight}</td><td>gauge</td><td></td><td>operations the kernel or the pool holds</td></tr>
 * <tr><td>{@code annulus.operations.queued}</td><td>gauge</td><td></td><td>operations that wait behind them</td></tr>
 * <tr><td>{@code annulus.operations.submitted}</td><td>counter</td><td></td><td>operations begun</td></tr>
 * <tr><td>{@code annulus.operations.completed}</td><td>counter</td><td></td><td>operations that ended with a result, a short one
 * included</td></tr>
 * <tr><td>{@code annulus.operations.failed}</td><td>counter</td><td>{@code kind}: an {@link dev.annulus.ErrorKind} in small
 * letters</td><td>operations that ended with an error</td></tr>
 * <tr><td>{@code annulus.operations.cancelled}</td><td>counter</td><td></td><td>operations whose future was ended by hand, by a timeout,
 * or by closing</td></tr>
 * <tr><td>{@code annulus.operations.refused}</td><td>counter</td><td></td><td>operations that never began: the queue was full, or the
 * runtime closed</td></tr>
 * <tr><td>{@code annulus.operations.abandoned}</td><td>counter</td><td></td><td>operations the kernel would not end when the runtime was
 * closed</td></tr>
 * <tr><td>{@code annulus.operations.latency}</td><td>timer</td><td>{@code operation}: a {@link dev.annulus.OperationType} in small
 * letters; {@code route}: {@code submitted}, {@code inline}, {@code caller}</td><td>time from the call to the completion, however it
 * ended; refused and abandoned operations are left out. Appears with the first such operation</td></tr>
 * <tr><td>{@code annulus.transfers.short}</td><td>counter</td><td>{@code operation}: {@code read}, {@code write}</td><td>transfers of
 * something, but less than was asked for</td></tr>
 * <tr><td>{@code annulus.operations.retried}</td><td>counter</td><td></td><td>operations tried again after EINTR or EAGAIN</td></tr>
 * <tr><td>{@code annulus.inline.reads}</td><td>counter</td><td>{@code result}: {@code hit}, {@code miss}</td><td>reads tried on the
 * calling thread</td></tr>
 * <tr><td>{@code annulus.ring.enters}</td><td>counter</td><td></td><td>calls of {@code io_uring_enter}</td></tr>
 * <tr><td>{@code annulus.ring.batch}</td><td>summary</td><td></td><td>entries taken by one call of {@code io_uring_enter} that took
 * any</td></tr>
 * <tr><td>{@code annulus.ring.wakeups}</td><td>counter</td><td></td><td>times a submitter woke the sleeping reaper</td></tr>
 * <tr><td>{@code annulus.ring.overflows}</td><td>counter</td><td></td><td>times completions waited for room in the completion
 * queue</td></tr>
 * </table>
 *
 * <p>Counters of begun and ended operations, the timers, {@code annulus.transfers.short} and {@code annulus.ring.batch} count from the
 * binding on, and count all operations, whoever carried them out: {@code submitted} is the sum of the five ways to end and of what has
 * not ended. The others are read from {@link IoRuntime#stats()} when the registry is scraped: they count from the opening of the runtime.
 * Meters of the ring are only there with io_uring.
 *
 * <p>An operation is one step of the kernel's; see {@link dev.annulus.RuntimeListener}. Without a binding the runtime takes no times and
 * counts nothing for this. A binding ends by {@link #close}, or by itself when the registry is closed. A runtime that is closed keeps its
 * meters, with their last values, until then.
 */
public final class IoRuntimeMetrics implements MeterBinder, AutoCloseable {
  private final IoRuntime runtime;
  private final Tags tags;
  private final Map<MeterRegistry, Binding> bindings = new ConcurrentHashMap<>();

  /**
   * Meters to be bound to a registry.
   *
   * @param runtime whose meters
   * @param tags go on every meter
   */
  public IoRuntimeMetrics(IoRuntime runtime, Iterable<Tag> tags) {
    this.runtime = Objects.requireNonNull(runtime, "runtime");
    this.tags =
        Tags.of("runtime", runtime.name(), "backend", tagValue(runtime.backend())).and(Objects.requireNonNull(tags, "tags"));
  }

  /**
   * Registers the meters, and counts from now on. Nothing happens if they are bound to that registry already.
   *
   * @param registry where to
   */
  @Override
  public void bindTo(MeterRegistry registry) {
    bindings.computeIfAbsent(Objects.requireNonNull(registry, "registry"), this::bind);
  }

  /** Ends all bindings: stops counting, and removes the meters from their registries. May be bound again afterwards. Idempotent. */
  @Override
  public void close() {
    for (MeterRegistry registry : bindings.keySet()) {
      unbind(registry);
    }
  }

  private Binding bind(MeterRegistry registry) {
    OwnMeters meters = new OwnMeters(registry, tags);
    RuntimeMeters.register(runtime, meters);
    OperationMeters operations = new OperationMeters(meters, runtime.backend() == Backend.IO_URING, () -> unbind(registry));
    runtime.addListener(operations);
    return new Binding(meters, operations);
  }

  private void unbind(MeterRegistry registry) {
    Binding binding = bindings.remove(registry);
    if (binding != null) {
      runtime.removeListener(binding.operations);
      binding.meters.removeAll();
    }
  }

  /** What one registry has of us. */
  private record Binding(OwnMeters meters, OperationMeters operations) {}

  static String tagValue(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
