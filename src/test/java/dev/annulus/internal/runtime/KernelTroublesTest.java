package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KernelTroublesTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "5.11.0-49-generic              | ''                                 | never complete",
        "5.13.19                        | ''                                 | never complete",
        "5.14.18-300.fc35.x86_64        | ''                                 | never complete",
        "5.15.2-arch1-1                 | ''                                 | never complete",
        "5.15                           | ''                                 | never complete",
        "6.1.115-126.197.amzn2023.x86_64| #1 SMP PREEMPT_DYNAMIC             | io_uring_enter",
        "6.1.0-27-amd64                 | #1 SMP Debian 6.1.115-1 (2024-11-01)| io_uring_enter",
      })
  void of_anAffectedKernel_namesKernelTroubleAndRemedy(String release, String build, String trouble) {
    String said = KernelTroubles.of(release, build).orElse("nothing");
    assertTrue(said.contains(release) && said.contains(trouble), said);
    assertTrue(said.contains("update the kernel") && said.contains("PORTABLE"), said);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "5.10.0-37-amd64                | #1 SMP Debian 5.10.262-1 (2026-01-01)",
        "5.14.0-503.el9.x86_64          | #1 SMP",
        "5.14.19                        | ''",
        "5.15.3                         | ''",
        "5.15.0-91-generic              | #101-Ubuntu SMP",
        "5.15.103-17409                 | ''",
        "6.1.0-28-amd64                 | #1 SMP Debian 6.1.119-1 (2024-11-22)",
        "6.1.112-124.190.amzn2023.x86_64| ''",
        "6.1.119                        | ''",
        "6.18.44                        | ''",
        "7.2.13+deb14-amd64             | #1 SMP Debian 7.2.13-1",
        "unknown                        | ''",
        "''                             | ''",
        "99999.1.115                    | ''",
      })
  void of_anotherKernel_saysNothing(String release, String build) {
    assertEquals(Optional.empty(), KernelTroubles.of(release, build));
  }
}
