// A run's events, past every broken connection, with functions that answer its calls.
import { Code, ConnectError } from "@connectrpc/connect";
import { answer, type ToolFunction, unlessAborted } from "./answering.js";
import type { Client } from "./client.js";
import type { RunEvent } from "./gen/understudy/v1/event_pb.js";
import { RunStatus, type RequiredToolCall, type Run } from "./gen/understudy/v1/run_pb.js";
import { isLost, Patience } from "./patience.js";

export interface FollowOptions {
  /** Answer the calls for which the run waits, by name. What one throws is told to the model. */
  functions?: Record<string, ToolFunction> | undefined;
  /** The id of the last event that was seen; by default the events come from the beginning. */
  after?: string | undefined;
  /** Seconds without success after which the error of a broken connection is thrown; 60 by default. */
  patience?: number | undefined;
  /** Ends everything, functions too as far as they mind it: its reason is thrown. */
  signal?: AbortSignal | undefined;
}

const ENDS = new Set<RunEvent["event"]["case"]>(["runCompleted", "runIncomplete", "runFailed", "runCancelled", "runExpired"]);
const ENDED = new Set([RunStatus.COMPLETED, RunStatus.INCOMPLETE, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.EXPIRED]);

/**
 * Every event of `run`, each once and in order, until the run has ended.
 *
 * A connection that breaks is made again, and the events go on after the last one. If some call has no function
 * here, the events end while the run waits, and who follows answers it. Throws `ConnectError`, also when the client is
 * closed meanwhile, or the reason of the signal.
 */
export async function* follow(client: Client, run: Run, options: FollowOptions = {}): AsyncGenerator<RunEvent, void> {
  const { functions = {}, signal } = options;
  const ids = { threadId: run.threadId, runId: run.id };
  const calling = signal ? { signal } : {};
  const trying = new Patience((options.patience ?? 60) * 1_000, signal);
  let last = options.after ?? "";
  let waiting: Run | undefined;
  let toolOutputs: { toolCallId: string; output: string }[] | undefined;
  let ended = false;
  for (;;) {
    let quiet = true;
    // Connect ends a stream by a signal only, not when its loop is left.
    const leaving = new AbortController();
    const leave = () => leaving.abort(signal?.reason);
    signal?.addEventListener("abort", leave);
    let giving = false;
    let submitting = false;
    try {
      signal?.throwIfAborted();
      const opened = client.assistants.streamRunEvents(
        { ...ids, after: last },
        { signal: leaving.signal, onHeader: () => trying.accepted() },
      );
      for await (const batch of opened) {
        for (const event of batch.events) {
          if (last !== "" && !isAfter(event.id, last)) continue;
          last = event.id;
          quiet = false;
          toolOutputs = undefined;
          trying.succeeded();
          waiting = event.event.case === "runRequiresAction" ? event.event.value : undefined;
          giving = true;
          yield event;
          giving = false;
          if (ENDS.has(event.event.case)) return;
          signal?.throwIfAborted();
        }
      }
      trying.ended();
      if (ended && quiet) return;
      // The events have ended, but not the run: it waits, has gone on since, or its end was seen before.
      if (waiting === undefined) {
        const found = await client.assistants.getRun(ids, calling);
        if (ENDED.has(found.status)) {
          ended = true;
          continue;
        }
        if (found.status !== RunStatus.REQUIRES_ACTION) {
          await trying.pause();
          continue;
        }
        waiting = found;
      }
      const calls = callsOf(waiting);
      if (!calls.every((call) => Object.hasOwn(functions, call.name))) return;
      // Kept until something has happened: a lost answer is no reason to ask the functions again.
      toolOutputs ??= await unlessAborted(answers(calls, functions, signal), signal);
      submitting = true;
      await client.assistants.submitToolOutputs({ ...ids, toolOutputs }, calling);
      waiting = toolOutputs = undefined;
    } catch (thrown) {
      if (giving) throw thrown;
      if (signal?.aborted) throw signal.reason;
      if (!(thrown instanceof ConnectError) || client.closed) throw thrown;
      if (submitting && thrown.code === Code.FailedPrecondition) {
        // Somebody else was quicker, or has ended the run: its events tell.
        waiting = toolOutputs = undefined;
      } else if (!isLost(thrown)) {
        throw thrown;
      }
      await trying.again(thrown);
    } finally {
      signal?.removeEventListener("abort", leave);
      leave();
    }
  }
}

/** Whether the event `id` comes after the event `other`. */
export function isAfter(id: string, other: string): boolean {
  const [attempt, n] = numbers(id);
  const [otherAttempt, otherN] = numbers(other);
  return attempt === otherAttempt ? n > otherN : attempt > otherAttempt;
}

function numbers(id: string): [number, number] {
  const found = /^(\d+)-(\d+)$/.exec(id);
  return found ? [Number(found[1]), Number(found[2])] : [0, 0];
}

interface Call {
  id: string;
  name: string;
  text: string;
}

function answers(calls: Call[], functions: Record<string, ToolFunction>, signal: AbortSignal | undefined) {
  return Promise.all(
    calls.map(async ({ id, name, text }) => ({ toolCallId: id, output: await answer(functions[name], text, signal) })),
  );
}

function callsOf(run: Run): Call[] {
  const action = run.requiredAction?.action;
  const calls: RequiredToolCall[] = action?.case === "submitToolOutputs" ? action.value.toolCalls : [];
  return calls.map(({ id, call }) => ({ id, name: call.value?.name ?? "", text: call.value?.arguments ?? "" }));
}
