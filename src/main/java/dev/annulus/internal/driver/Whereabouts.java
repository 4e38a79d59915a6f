package dev.annulus.internal.driver;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * Tells other threads where a driver's thread is: in the driver's own code, in users' code that it
 * calls, or in the kernel.
 *
 * <p>What the thread wrote before it went away is visible to whoever reads {@link #sequence}
 * afterwards, and does not change before it is back. So another thread may read the driver's state
 * while the thread is away: it reads a sequence that {@link #isAway}, then the state, and if the
 * sequence {@link #isStill} the same, what it has read belongs together. This is a seqlock whose
 * writer never waits and pays two ordered stores.
 */
public final class Whereabouts {
  private static final int OWN_CODE = 0;
  private static final int USERS_CODE = 1;
  private static final int KERNEL = 2;

  /** The lowest two bits of a sequence say where; those above count. */
  private static final int WHERE = 3;

  private static final long NEXT = 4;

  private static final VarHandle SEQUENCE;

  static {
    try {
      SEQUENCE = MethodHandles.lookup().findVarHandle(Whereabouts.class, "sequence", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final @Nullable StallWatch watch;
  private volatile @Nullable Thread thread;
  private long sequence;

  /** Whether the watch has a look scheduled. */
  volatile boolean watched;

  /** Whether it has one scheduled for the flight recorder. */
  volatile boolean watchedForRecorder;

  /** The last stack the watch has taken, and of which sequence. */
  volatile StallWatch.@Nullable Taken taken;

  /**
   * @param watch looks whether users' code keeps the thread for long; {@code null} for none
   */
  public Whereabouts(@Nullable StallWatch watch) {
    this.watch = watch;
  }

  /** To be called by the thread itself, first. */
  public void begin() {
    thread = Thread.currentThread();
  }

  /** The thread, once it has begun. */
  public @Nullable Thread thread() {
    return thread;
  }

  // ---- the thread itself ----

  /** The thread is about to run users' code. */
  public void intoUsersCode() {
    SEQUENCE.setRelease(this, (sequence & ~WHERE) + NEXT + USERS_CODE);
    if (!watched && watch != null) {
      watch.watch(this);
    }
  }

  /** After {@link #intoUsersCode}: the flight recorder wants to know who holds the thread, sooner than the log does. */
  public void recorded() {
    if (!watchedForRecorder && watch != null) {
      watch.watchForRecorder(this);
    }
  }

  /** The thread is about to call the kernel. */
  public void intoKernel() {
    SEQUENCE.setRelease(this, (sequence & ~WHERE) + NEXT + KERNEL);
  }

  /** The thread is back in the driver's code. */
  public void back() {
    SEQUENCE.setOpaque(this, sequence & ~WHERE);
    VarHandle.storeStoreFence();
  }

  /** An error of the JVM may have kept {@link #back} from being called: it is, if the thread is not known to be back. */
  public void surelyBack() {
    if (isAway(sequence)) {
      back();
    }
  }

  /** The stack of users' code that was taken while it kept the thread; empty if none was. */
  public String stackTaken() {
    StallWatch.Taken last = taken;
    return last != null && last.sequence() == sequence ? last.stack() : "";
  }

  // ---- others ----

  /** Where the thread is. */
  public long sequence() {
    return (long) SEQUENCE.getAcquire(this);
  }

  /** Whether the thread was not in the driver's own code. */
  public static boolean isAway(long sequence) {
    return (sequence & WHERE) != OWN_CODE;
  }

  /** Whether the thread was in users' code. */
  public static boolean isInUsersCode(long sequence) {
    return (sequence & WHERE) == USERS_CODE;
  }

  /** Whether the thread has not moved since; then so is what was read in between. */
  public boolean isStill(long before) {
    VarHandle.acquireFence();
    return (long) SEQUENCE.getOpaque(this) == before;
  }
}
