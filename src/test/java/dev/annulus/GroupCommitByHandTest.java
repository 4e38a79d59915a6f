package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Syncs that share, by themselves: what others do in the midst of one that joins, and what is cut and done again. */
@Timeout(60)
class GroupCommitByHandTest {
  private static final int FD = 5;

  private final HandDriver hand = new HandDriver();
  private final List<IOException> losses = Collections.synchronizedList(new ArrayList<>());
  private final GroupCommit commit = new GroupCommit(hand, FD, Path.of("by-hand"), losses::add);
  private final RejectedExecutionException cause = new RejectedExecutionException("by the test");

  private final Member first = new Member();
  private final Member second = new Member();
  private final Member third = new Member();

  /** What is done while a member joins. */
  private @Nullable Meanwhile<Boolean> meanwhile;

  /** One who wants a sync. */
  private static final class Member implements Request {
    final List<String> ends = Collections.synchronizedList(new ArrayList<>());

    /** Runs when it is asked what it wants, which is while it joins. */
    private Runnable whileJoining = () -> {};

    /** How often it is told of its end in vain. */
    private int wants;

    @Override
    public Operation operation() {
      Runnable once = whileJoining;
      whileJoining = () -> {};
      once.run();
      return new Operation.Sync(FD, true);
    }

    private void end(String how) {
      if (wants > 0) {
        wants--;
        throw new OutOfMemoryError("by the test");
      }
      ends.add(how);
    }

    @Override
    public void completed(int result) {
      end("completed " + result);
    }

    @Override
    public void neverBegun() {
      end("never begun");
    }

    @Override
    public void refused(Throwable cause) {
      end("refused " + cause.getMessage());
    }

    @Override
    public void abandoned(Throwable cause) {
      end("abandoned " + cause.getMessage());
    }

    @Override
    public int mark() {
      return NO_MARK;
    }

    @Override
    public void mark(int mark) {}
  }

  /** Has a member join, and another thread do something in the midst of that. */
  private void joinWhile(Member member, Runnable what) throws Exception {
    member.whileJoining = () -> meanwhile = Meanwhile.begin(what);
    commit.sync(member, true);
    assertTrue(Objects.requireNonNull(meanwhile, "nobody asked what it wants").get());
  }

  private Request take() {
    return Objects.requireNonNull(hand.requests.poll(), "nothing was submitted");
  }

  private void assertEndedOnce(Member... members) {
    for (Member member : members) {
      assertEquals(1, member.ends.size(), () -> "told: " + member.ends);
    }
    assertTrue(hand.requests.isEmpty());
  }

  /** Want of memory where a request is submitted, so many times. */
  private void failToSubmit(int times) {
    int[] left = {times};
    hand.beforeNext =
        () -> {
          if (left[0]-- > 0) {
            throw new OutOfMemoryError("by the test");
          }
        };
  }

  // ---- several threads at once ----

  @Test
  void syncs_begunAtOnce_areNotUnderWayBesideEachOther() throws Exception {
    joinWhile(first, () -> commit.sync(second, true));
    assertEquals(1, hand.requests.size());
    hand.endNext(0);
    assertEquals(List.of("completed 0"), first.ends);
    assertEquals(List.of(), second.ends);
    hand.endNext(0);
    assertEndedOnce(first, second);
  }

  @Test
  void sync_thatJoinsWhileTheOneBeforeItEnds_isBegun() throws Exception {
    commit.sync(first, true);
    joinWhile(second, () -> hand.endNext(0));
    assertEquals(List.of("completed 0"), first.ends);
    assertEquals(1, hand.requests.size(), "it waits for one that is over");
    hand.endNext(0);
    assertEndedOnce(first, second);
  }

  @Test
  void writeThrough_begunWhileASyncJoins_hasNotTheFileToItself() throws Exception {
    boolean[] alone = {true};
    joinWhile(first, () -> alone[0] = commit.tryBeginAlone());
    assertFalse(alone[0]);
    hand.endNext(0);
    assertEndedOnce(first);
    assertTrue(commit.tryBeginAlone());
  }

  @Test
  void sync_thatJoinsWhileTheDriverEnds_isRefused() throws Exception {
    commit.sync(first, true);
    joinWhile(second, () -> commit.end(cause));
    assertEquals(List.of("refused by the test"), second.ends);
    hand.endNext(0);
    assertEndedOnce(first, second);
  }

  /** It has seen that the driver had not ended, and then waits for those who end it. */
  @Test
  void sync_thatIsAboutToJoinWhileTheDriverEnds_isRefused() throws Exception {
    for (int i = 0; i < 20; i++) {
      GroupCommit each = new GroupCommit(hand, FD, Path.of("by-hand"), losses::add);
      Member joining = new Member();
      Member late = new Member();
      List<Meanwhile<Boolean>> both = new ArrayList<>();
      joining.whileJoining =
          () -> {
            both.add(Meanwhile.begin(() -> each.end(cause)));
            both.add(Meanwhile.begin(() -> each.sync(late, true)));
          };
      each.sync(joining, true);
      for (Meanwhile<Boolean> one : both) {
        assertTrue(one.get());
      }
      assertEquals(List.of("refused by the test"), late.ends);
      hand.endNext(0);
      assertEndedOnce(joining, late);
    }
  }

  /** Whose submission failed, and is tried again while another joins: one of the two has it begin. */
  @Test
  void syncThatCouldNotBegin_joinedWhileItIsBegunAgain_isBegunOnce() throws Exception {
    Request last = cutBetween();
    joinWhile(third, () -> last.completed(0));
    assertEquals(1, hand.requests.size(), "it is under way twice");
    hand.endNext(0);
    assertEndedOnce(first, second, third);
  }

  // ---- want of memory ----

  /** One sync has ended, and the next could not be submitted. */
  private Request cutBetween() {
    commit.sync(first, true);
    commit.sync(second, true);
    Request last = take();
    failToSubmit(1);
    assertThrows(OutOfMemoryError.class, () -> last.completed(0));
    assertEquals(List.of(), first.ends, "told before the next is begun");
    assertTrue(hand.requests.isEmpty());
    return last;
  }

  @Test
  void syncThatCouldNotBegin_isBegunWhenTheLastIsToldOnceMore() {
    Request last = cutBetween();
    last.completed(0);
    assertEquals(List.of("completed 0"), first.ends);
    assertEquals(1, hand.requests.size());
    hand.endNext(0);
    assertEndedOnce(first, second);
    assertTrue(commit.tryBeginAlone());
  }

  @Test
  void syncThatCouldNotBegin_isBegunByTheNextWhoComes_andNotOnceMore() {
    Request last = cutBetween();
    commit.sync(third, true);
    assertEquals(1, hand.requests.size());
    last.completed(0);
    assertEquals(1, hand.requests.size());
    hand.endNext(-Errno.EIO);
    assertEquals(List.of("completed " + -Errno.EIO), third.ends);
    assertEndedOnce(first, second, third);
    assertEquals(1, losses.size());
  }

  /** Its caller is thrown at, and hears of it no more. */
  @Test
  void syncThatCouldNotBegin_isNoMemberOfTheNext() {
    hand.submitFails = new OutOfMemoryError("by the test");
    assertSame(hand.submitFails, assertThrows(OutOfMemoryError.class, () -> commit.sync(first, false)));
    hand.submitFails = null;
    commit.sync(second, false);
    hand.endNext(0);
    assertEquals(List.of(), first.ends);
    assertEndedOnce(second);
  }

  @Test
  void syncBehindAWriteThrough_thatCannotBeginAtOnce_isTriedAgain() {
    assertTrue(commit.tryBeginAlone());
    commit.sync(first, true);
    failToSubmit(3);
    commit.endAlone();
    assertEquals(1, hand.requests.size());
    hand.endNext(0);
    assertEndedOnce(first);
  }

  @Test
  void syncBehindAWriteThrough_thatCannotBegin_isNotTriedForEver() {
    assertTrue(commit.tryBeginAlone());
    commit.sync(first, true);
    failToSubmit(100);
    commit.endAlone();
    failToSubmit(0);
    commit.endAlone(); // once more does no harm: its turn is over, and what waits is not its own
    assertEquals(0, hand.requests.size());
    commit.sync(second, true);
    hand.endNext(0);
    assertEndedOnce(first, second);
  }

  /** They have been promised the next sync. */
  @Test
  void writeThrough_whileSyncsWaitThatCouldNotBegin_isNotAlone() {
    commit.sync(first, true);
    commit.sync(second, true);
    failToSubmit(100);
    assertThrows(OutOfMemoryError.class, () -> hand.endNext(0));
    assertFalse(commit.tryBeginAlone());
    failToSubmit(0);
  }

  /** How a round may end. */
  enum End {
    COMPLETED(round -> round.completed(0)),
    NEVER_BEGUN(Request::neverBegun),
    REFUSED(round -> round.refused(new RejectedExecutionException("full"))),
    ABANDONED(round -> round.abandoned(new RejectedExecutionException("gone")));

    @SuppressWarnings("ImmutableEnumChecker") // they are
    final Consumer<Request> tell;

    End(Consumer<Request> tell) {
      this.tell = tell;
    }
  }

  /** The driver hears that it has not told all, and tells once more: those who were told hear nothing then. */
  @ParameterizedTest
  @EnumSource
  void end_thatCannotBeToldToOne_isToldToTheOthers_andToThatOneLater(End end) {
    assertTrue(commit.tryBeginAlone());
    commit.sync(first, true);
    commit.sync(second, true);
    commit.sync(third, true);
    commit.endAlone();
    second.wants = 1;
    Request shared = take();
    assertThrows(OutOfMemoryError.class, () -> end.tell.accept(shared));
    assertEquals(List.of(), second.ends);
    end.tell.accept(shared);
    end.tell.accept(shared);
    assertEndedOnce(first, second, third);
    assertEquals(first.ends, second.ends);
    assertEquals(first.ends, third.ends);
  }

  @Test
  void sharedSync_keepsTheDriversMark() {
    commit.sync(first, true);
    assertEquals(HandDriver.MARK, hand.next().mark());
  }
}
