package dev.annulus;

import dev.annulus.internal.driver.Operation;
import java.nio.file.Path;

/** The future of a round trip. */
final class NopFuture extends OperationFuture<Void> {
  private static final Operation NOP = new Operation.Nop();
  private static final Path NOWHERE = Path.of("");

  private final Engine engine;

  NopFuture(Engine engine) {
    this.engine = engine;
  }

  @Override
  Engine engine() {
    return engine;
  }

  @Override
  Path path() {
    return NOWHERE;
  }

  @Override
  public Operation operation() {
    return NOP;
  }

  @Override
  void onResult(int result) {
    if (result >= 0) {
      succeed(null, result);
    } else {
      fail(Errors.onPath(NOP, NOWHERE, null, -result));
    }
  }
}
