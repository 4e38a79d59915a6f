package bench;

/** How the operations of a cell are started and awaited. */
enum Shape {
  /** Platform threads, each of which waits for its operation and starts the next. */
  PLATFORM_THREADS,
  /** Virtual threads, likewise. */
  VIRTUAL_THREADS,
  /** Operations in flight, each of whose completions starts the next. */
  CHAINS,
  /** Operations in flight, awaited in turn by the one thread that starts them. */
  WINDOW,
  /** Operations that arrive at half the rate at which the slowest peer can do them. */
  PACED
}
