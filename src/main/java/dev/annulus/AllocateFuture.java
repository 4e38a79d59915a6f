package dev.annulus;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;

/**
 * Reserves storage. Where the driver can tell, what does not fit is refused beforehand: some file
 * systems keep what they could reserve until they found out, and then the storage is full. The
 * length is set last, so that it stays as it was if there is no room after all.
 */
final class AllocateFuture extends FileFuture<Void> {
  private final Operation.Allocate allocate;

  /** What is to be done next. */
  private Operation operation;

  AllocateFuture(OpenDescriptor file, long position, long length) {
    super(file);
    int fd = file.fd();
    allocate = new Operation.Allocate(fd, position, length);
    boolean asks = file.engine().driver().tellsRoom();
    operation = asks ? new Operation.Room(fd, position, length) : allocate;
  }

  @Override
  public Operation operation() {
    return operation;
  }

  @Override
  void onSuccess(int result) {
    switch (operation) {
      case Operation.Room(int fd, long position, long length) ->
          goOnWith(new Operation.Reserve(fd, position, length));
      case Operation.Reserve _ -> goOnWith(allocate);
      default -> succeed(null, result);
    }
  }

  @Override
  void onError(int errno) {
    if (operation instanceof Operation.Reserve && errno == Errno.EOPNOTSUPP) {
      goOnWith(allocate); // NFS knows the other one only
      return;
    }
    operation = allocate;
    super.onError(errno);
  }

  private void goOnWith(Operation next) {
    operation = next;
    goOn();
  }
}
