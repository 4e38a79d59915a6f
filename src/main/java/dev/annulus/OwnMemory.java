package dev.annulus;

import dev.annulus.internal.driver.StandIn;

/** Memory of an operation that something must be done about when bytes were transferred and when the operation is over. */
abstract class OwnMemory implements StandIn, TakenMemory {
  /** Takes note of a transfer behind the ones before. */
  abstract void transferred(int count, boolean read);
}
