package understudy;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;

/** How long and how often to try again what a broken connection has ended. */
final class Patience {
  private static final long FIRST_PAUSE = Duration.ofMillis(50).toNanos();
  private static final long LONGEST_PAUSE = Duration.ofSeconds(2).toNanos();

  /** A stream that has stood for so long was no mere attempt, even if nothing came. */
  private static final long STEADY = Duration.ofSeconds(2).toNanos();

  private static final Set<Status.Code> LOST =
      EnumSet.of(
          Status.Code.ABORTED,
          Status.Code.CANCELLED,
          Status.Code.INTERNAL,
          Status.Code.RESOURCE_EXHAUSTED,
          Status.Code.UNAVAILABLE,
          Status.Code.UNKNOWN);

  private final long bound;
  private long interval = FIRST_PAUSE;

  /** Null while nothing is lost. */
  private Long lostSince;

  /**
   * @param bound how long to try without success
   */
  Patience(Duration bound) {
    this.bound = bound.toNanos();
  }

  /**
   * Whether a call ended so because its connection broke, its core went away, or there was no room for it at the
   * moment.
   */
  static boolean isLost(StatusRuntimeException error) {
    return LOST.contains(error.getStatus().getCode());
  }

  void succeeded() {
    lostSince = null;
    interval = FIRST_PAUSE;
  }

  /**
   * Returns when it is time for the next attempt; throws {@code error} when patience has an end.
   *
   * @param stood nanoseconds for which a stream has stood before; 0 if none was opened
   */
  void again(StatusRuntimeException error, long stood) {
    long now = System.nanoTime();
    if (stood >= STEADY) {
      succeeded();
    }
    if (lostSince == null) {
      lostSince = now;
    }
    if (now - lostSince + interval > bound) {
      throw error;
    }
    pause();
  }

  /** Longer each time. An interrupted thread gets CANCELLED. */
  void pause() {
    try {
      Thread.sleep(Duration.ofNanos(interval).toMillis());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw Status.CANCELLED.withCause(interrupted).asRuntimeException();
    }
    interval = Math.min(2 * interval, LONGEST_PAUSE);
  }
}
