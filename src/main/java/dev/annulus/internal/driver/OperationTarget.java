package dev.annulus.internal.driver;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Tells what an operation is done to: an open file, or what a path names. */
public final class OperationTarget {
  /** No descriptor. */
  public static final int NONE = -1;

  private OperationTarget() {}

  /** The descriptor of the file an operation is on, or {@link #NONE} if it is on none. */
  public static int descriptorOf(Operation operation) {
    return switch (operation) {
      case Operation.Transfer o -> o.fd();
      case Operation.ReadVector o -> o.fd();
      case Operation.WriteVector o -> o.fd();
      case Operation.Sync o -> o.fd();
      case Operation.Truncate o -> o.fd();
      case Operation.Allocate o -> o.fd();
      case Operation.Room o -> o.fd();
      case Operation.Reserve o -> o.fd();
      case Operation.Stat o -> o.fd();
      case Operation.Close o -> o.fd();
      case Operation.TryLock o -> o.fd();
      case Operation.Unlock o -> o.fd();
      case Operation.Nop _, Operation.StatPath _, Operation.Open _, Operation.CreateDirectory _, Operation.Remove _,
          Operation.Rename _, Operation.Link _, Operation.ListDirectory _, Operation.RemoveTree _ -> NONE;
    };
  }

  /** The path an operation changes or asks about, or {@code null} if it is not on a path. */
  public static @Nullable Path pathOf(Operation operation) {
    return switch (operation) {
      case Operation.StatPath o -> o.path();
      case Operation.Open o -> o.path();
      case Operation.CreateDirectory o -> o.path();
      case Operation.Remove o -> o.path();
      case Operation.Rename o -> o.target();
      case Operation.Link o -> o.link();
      case Operation.ListDirectory o -> o.path();
      case Operation.RemoveTree o -> o.path();
      default -> null;
    };
  }
}
