package understudy;

import static io.grpc.stub.MetadataUtils.newCaptureMetadataInterceptor;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import understudy.v1.GetRunRequest;
import understudy.v1.RequiredToolCall;
import understudy.v1.Run;
import understudy.v1.RunEvent;
import understudy.v1.RunEvent.EventCase;
import understudy.v1.RunEventBatch;
import understudy.v1.RunStatus;
import understudy.v1.StreamRunEventsRequest;
import understudy.v1.SubmitToolOutputsRequest;
import understudy.v1.ToolOutput;

/**
 * The events of a run, each once and in order, until the run has ended. For one loop, in one thread.
 *
 * <p>A connection that breaks is made again, and the events go on after the last one. If some call has no function
 * here, the events end while the run waits, and who follows answers it. {@link #hasNext()} waits for an event; it
 * throws {@link StatusRuntimeException}. Close it when a loop is left early; another thread may do so too, and whoever
 * waits for an event then gets CANCELLED.
 */
public final class Following implements Iterable<RunEvent>, Iterator<RunEvent>, AutoCloseable {
  private static final Set<EventCase> ENDS =
      EnumSet.of(
          EventCase.RUN_COMPLETED,
          EventCase.RUN_INCOMPLETE,
          EventCase.RUN_FAILED,
          EventCase.RUN_CANCELLED,
          EventCase.RUN_EXPIRED);

  private static final Set<RunStatus> ENDED =
      EnumSet.of(
          RunStatus.RUN_STATUS_COMPLETED,
          RunStatus.RUN_STATUS_INCOMPLETE,
          RunStatus.RUN_STATUS_FAILED,
          RunStatus.RUN_STATUS_CANCELLED,
          RunStatus.RUN_STATUS_EXPIRED);

  private final Client client;
  private final Run run;
  private final FollowOptions options;
  private final Patience trying;
  private final Context.CancellableContext context = Context.current().withCancellation();
  private final Deque<RunEvent> ready = new ArrayDeque<>();

  /** Null while none is open. */
  private Iterator<RunEventBatch> stream;

  private AtomicReference<Metadata> headers;
  private long opened;
  private boolean quiet;
  private String last;

  /** The run as it waits for outputs; null unless that is known. */
  private Run waiting;

  /** Kept until something has happened: a lost answer is no reason to ask the functions again. */
  private List<ToolOutput> outputs;

  /** The end of the run is known, though its event may not have come. */
  private boolean ended;

  /** Nothing comes any more but what is ready. */
  private boolean done;

  private volatile boolean closed;

  Following(Client client, Run run, FollowOptions options) {
    this.client = client;
    this.run = run;
    this.options = options;
    this.trying = new Patience(options.patience());
    this.last = options.after();
  }

  @Override
  public Iterator<RunEvent> iterator() {
    return this;
  }

  @Override
  public boolean hasNext() {
    while (ready.isEmpty() && !done && !closed) {
      Context before = context.attach();
      try {
        advance();
      } finally {
        context.detach(before);
      }
    }
    return !ready.isEmpty() && !closed;
  }

  @Override
  public RunEvent next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return ready.remove();
  }

  /** Ends the open stream. */
  @Override
  public void close() {
    closed = true;
    context.cancel(null);
  }

  /** One step: a batch, or what is to be done where a stream has ended. */
  private void advance() {
    try {
      if (stream == null) {
        open();
      }
      if (stream.hasNext()) {
        stream.next().getEventsList().forEach(this::take);
      } else {
        trying.ended(stood());
        stream = null;
        caughtUp();
      }
    } catch (StatusRuntimeException error) {
      long stood = stood();
      stream = null;
      if (!Patience.isLost(error) || isOver()) {
        close();
        throw error;
      }
      again(error, stood);
    }
  }

  /** Nanoseconds for which the open stream has stood; 0 if there is none, or nobody accepted it. */
  private long stood() {
    return stream != null && headers.get() != null ? System.nanoTime() - opened : 0;
  }

  /** Whether there is no sense in another attempt. */
  private boolean isOver() {
    return context.isCancelled() || client.isClosed() || Thread.currentThread().isInterrupted();
  }

  private void open() {
    headers = new AtomicReference<>();
    opened = System.nanoTime();
    quiet = true;
    StreamRunEventsRequest request =
        StreamRunEventsRequest.newBuilder()
            .setThreadId(run.getThreadId())
            .setRunId(run.getId())
            .setAfter(last)
            .build();
    stream =
        client
            .assistants()
            .withInterceptors(newCaptureMetadataInterceptor(headers, new AtomicReference<>()))
            .streamRunEvents(request);
  }

  private void take(RunEvent event) {
    if (done || (!last.isEmpty() && !isAfter(event.getId(), last))) {
      return;
    }
    last = event.getId();
    quiet = false;
    outputs = null;
    trying.succeeded();
    waiting = event.hasRunRequiresAction() ? event.getRunRequiresAction() : null;
    ready.add(event);
    if (ENDS.contains(event.getEventCase())) {
      done = true;
      context.cancel(null);
    }
  }

  /** The events have ended, but not the run: it waits, has gone on since, or its end was seen before. */
  private void caughtUp() {
    if (ended && quiet) {
      close();
      return;
    }
    if (waiting == null) {
      Run found =
          client
              .assistants()
              .getRun(
                  GetRunRequest.newBuilder()
                      .setThreadId(run.getThreadId())
                      .setRunId(run.getId())
                      .build());
      if (ENDED.contains(found.getStatus())) {
        ended = true;
        return;
      }
      if (found.getStatus() != RunStatus.RUN_STATUS_REQUIRES_ACTION) {
        trying.pause(0, context);
        return;
      }
      waiting = found;
    }
    List<RequiredToolCall> calls =
        waiting.getRequiredAction().getSubmitToolOutputs().getToolCallsList();
    if (!Answering.isAnswerable(calls, options.functions())) {
      close();
      return;
    }
    if (outputs == null) {
      outputs = answers(calls);
    }
    submit();
  }

  private List<ToolOutput> answers(List<RequiredToolCall> calls) {
    List<ToolOutput> found;
    try {
      found = Answering.answers(calls, options.functions());
    } catch (InterruptedException interrupted) {
      throw Patience.interrupted(interrupted);
    }
    // A call could still arrive whose context has ended.
    if (context.isCancelled()) {
      throw Contexts.statusFromCancelled(context).asRuntimeException();
    }
    return found;
  }

  private void submit() {
    SubmitToolOutputsRequest request =
        SubmitToolOutputsRequest.newBuilder()
            .setThreadId(run.getThreadId())
            .setRunId(run.getId())
            .addAllToolOutputs(outputs)
            .build();
    try {
      client.assistants().submitToolOutputs(request);
      waiting = null;
      outputs = null;
    } catch (StatusRuntimeException error) {
      if (error.getStatus().getCode() != Status.Code.FAILED_PRECONDITION) {
        throw error;
      }
      // Somebody else was quicker, or has ended the run: its events tell.
      waiting = null;
      outputs = null;
      again(error, 0);
    }
  }

  private void again(StatusRuntimeException error, long stood) {
    try {
      trying.again(error, stood, context);
      client.reconnect();
    } catch (StatusRuntimeException given) {
      close();
      throw given;
    }
  }

  /** Whether the event {@code id} comes after the event {@code other}. */
  static boolean isAfter(String id, String other) {
    long[] one = numbers(id);
    long[] two = numbers(other);
    return one[0] > two[0] || (one[0] == two[0] && one[1] > two[1]);
  }

  private static long[] numbers(String id) {
    String[] parts = id.split("-", 2);
    try {
      return new long[] {Long.parseLong(parts[0]), Long.parseLong(parts[1])};
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException notAnEventId) {
      return new long[] {0, 0};
    }
  }
}
