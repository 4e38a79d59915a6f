package dev.annulus.internal.abi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.api.Test;

class ScratchTest {
  /** Another thread may have the same place, and a call may be made within a call. */
  @Test
  void borrow_whileOneIsBorrowed_givesOther() {
    Scratch first = Scratch.borrow();
    Scratch second = Scratch.borrow();
    assertNotSame(first, second);
    assertNotEquals(first.capture().address(), second.capture().address());
    assertNotEquals(first.iovec().address(), second.iovec().address());
    second.giveBack();
    first.giveBack();
  }

  @Test
  void borrow_afterGivingBack_givesTheSame() {
    Scratch first = Scratch.borrow();
    first.giveBack();
    Scratch again = Scratch.borrow();
    assertSame(first, again);
    again.giveBack();
  }

  @Test
  void memory_ofOne_isApart() {
    Scratch scratch = Scratch.borrow();
    assertEquals(IovecLayout.SIZE, scratch.iovec().byteSize());
    assertEquals(Syscalls.CAPTURE.byteSize(), scratch.capture().byteSize());
    assertEquals(0, scratch.iovec().address() % Long.BYTES);
    scratch.giveBack();
  }
}
