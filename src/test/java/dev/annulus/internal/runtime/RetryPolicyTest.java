package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.testing.RecordingRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RetryPolicyTest {
  @Test
  void again_anyOtherResult_isNever() {
    for (int result = -200; result <= 200; result++) {
      boolean transientError = result == -Errno.EINTR || result == -Errno.EAGAIN;
      assertEquals(transientError, RetryPolicy.again(result, 0), "result " + result);
    }
    assertFalse(RetryPolicy.again(Integer.MAX_VALUE, 0));
    assertFalse(RetryPolicy.again(Integer.MIN_VALUE, 0));
  }

  @ParameterizedTest
  @ValueSource(ints = {-Errno.EINTR, -Errno.EAGAIN})
  void again_transientError_isRepeatedUpToALimit(int result) {
    int attempts = 0;
    while (attempts < 1000 && RetryPolicy.again(result, attempts)) {
      attempts++;
    }
    assertTrue(attempts >= 8, "gives up too soon: " + attempts);
    // The table counts attempts in a byte.
    assertTrue(attempts < Byte.MAX_VALUE, "goes on too long: " + attempts);
    assertFalse(RetryPolicy.again(result, attempts + 1));
  }

  @Test
  void again_countedByTheTable_ends() {
    InFlightTable table = new InFlightTable(1);
    int slot = table.claim(RecordingRequest::nop);
    int submissions = 1;
    while (submissions < 1000 && RetryPolicy.again(-Errno.EAGAIN, table.countRetry(slot))) {
      submissions++;
    }
    assertTrue(submissions < 1000);
  }
}
