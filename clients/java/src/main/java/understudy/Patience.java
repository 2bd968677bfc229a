package understudy;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.Durations;
import com.google.rpc.RetryInfo;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

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
   *
   * <p>Where there is no room the core says when to come again. What is simply too large gets the same code without that.
   */
  static boolean isLost(StatusRuntimeException error) {
    Status.Code code = error.getStatus().getCode();
    return code == Status.Code.RESOURCE_EXHAUSTED ? delay(error) != null : LOST.contains(code);
  }

  /** Nanoseconds after which the core wants to be asked again; null if it does not say so. */
  private static Long delay(StatusRuntimeException error) {
    try {
      com.google.rpc.Status status = StatusProto.fromThrowable(error);
      for (Any detail : status == null ? List.<Any>of() : status.getDetailsList()) {
        if (detail.is(RetryInfo.class)) {
          return Durations.toNanos(detail.unpack(RetryInfo.class).getRetryDelay());
        }
      }
    } catch (InvalidProtocolBufferException | IllegalArgumentException | ArithmeticException none) {
      // Details that are none tell nothing.
    }
    return null;
  }

  void succeeded() {
    lostSince = null;
    interval = FIRST_PAUSE;
  }

  /**
   * Returns when it is time for the next attempt; throws {@code error} when patience ends before that.
   *
   * @param stood nanoseconds for which a stream has stood before; 0 if none was opened
   */
  void again(StatusRuntimeException error, long stood, Context context) {
    ended(stood);
    long now = System.nanoTime();
    if (lostSince == null) {
      lostSince = now;
    }
    Long told = delay(error);
    long delay = Math.max(interval, told == null ? 0 : told);
    if (delay > bound - (now - lostSince)) {
      throw error;
    }
    pause(delay, context);
  }

  /** A stream has ended, one way or another, that had stood for so many nanoseconds. */
  void ended(long stood) {
    if (stood >= STEADY) {
      succeeded();
    }
  }

  /**
   * Longer each time, and for {@code delay} nanoseconds at least. Throws the status of a context that ends meanwhile; an
   * interrupted thread gets CANCELLED.
   */
  void pause(long delay, Context context) {
    CountDownLatch ended = new CountDownLatch(1);
    Context.CancellationListener listener = cancelled -> ended.countDown();
    context.addListener(listener, Runnable::run);
    try {
      if (ended.await(Math.max(interval, delay), TimeUnit.NANOSECONDS)) {
        throw Contexts.statusFromCancelled(context).asRuntimeException();
      }
    } catch (InterruptedException interrupted) {
      throw interrupted(interrupted);
    } finally {
      context.removeListener(listener);
    }
    interval = Math.min(2 * interval, LONGEST_PAUSE);
  }

  /** CANCELLED, with the thread's flag set again. */
  static StatusRuntimeException interrupted(InterruptedException cause) {
    Thread.currentThread().interrupt();
    return Status.CANCELLED.withDescription("interrupted").withCause(cause).asRuntimeException();
  }
}
