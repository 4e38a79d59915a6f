package dev.annulus.fs;

/** How a call of the facade waits for its operation. The meaning of the calls is the same. */
public enum Blocking {
  /**
   * Whatever is cheapest. A single operation of a platform thread may be run by that thread itself, as a plain system call, when
   * handing it over would cost more than it does; virtual threads and batches always wait on futures.
   */
  ADAPTIVE,
  /** Always waits on the runtime's future. */
  FUTURES
}
