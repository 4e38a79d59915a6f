package dev.annulus.sim;

/** The client did what no client may do: a bug in it, whatever becomes of the operation. */
public final class KernelAbuse extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  KernelAbuse(String what) {
    super(what);
  }
}
