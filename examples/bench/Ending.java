package bench;

import java.nio.channels.CompletionHandler;
import java.util.function.BiConsumer;

/** Is told how an operation on a slot has ended, by futures in their way and by asynchronous channels in theirs. */
abstract class Ending implements BiConsumer<Object, Throwable>, CompletionHandler<Integer, Object> {
  private final Slot slot;

  Ending(Slot slot) {
    this.slot = slot;
  }

  final Slot slot() {
    return slot;
  }

  /** It has transferred so many bytes. */
  abstract void ended(int transferred);

  /** It has failed. */
  abstract void failed(Throwable failure);

  /** A future without a count is one of an operation that succeeds in full or not at all. */
  @Override
  public final void accept(Object count, Throwable failure) {
    if (failure != null) {
      failed(failure);
    } else {
      ended(count instanceof Integer transferred ? transferred : slot.buffer().capacity());
    }
  }

  @Override
  public final void completed(Integer transferred, Object attachment) {
    ended(transferred);
  }

  @Override
  public final void failed(Throwable failure, Object attachment) {
    failed(failure);
  }
}
