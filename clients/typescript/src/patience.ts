// How long and how often to try again what a broken connection has ended.
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { DurationSchema, durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { setTimeout as sleep } from "node:timers/promises";

const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2_000;
/** Milliseconds for which a stream has stood that was no mere attempt, even if nothing came. */
const STEADY = 2_000;

const LOST = new Set([Code.Aborted, Code.Canceled, Code.Internal, Code.Unavailable, Code.Unknown]);

/**
 * Whether a call ended so because its connection broke, its core went away, or there was no room at the moment.
 *
 * Where there is no room the core says when to come again. What is simply too large gets the same code without that.
 */
export function isLost(error: ConnectError): boolean {
  return error.code === Code.ResourceExhausted ? delayOf(error) !== undefined : LOST.has(error.code);
}

/** The milliseconds after which the core wants to be asked again, if it says so, by `google.rpc.RetryInfo`. */
function delayOf(error: ConnectError): number | undefined {
  for (const detail of error.details) {
    if (!("type" in detail) || detail.type !== "google.rpc.RetryInfo") continue;
    try {
      const reader = new BinaryReader(detail.value);
      while (reader.pos < reader.len) {
        const [field, wire] = reader.tag();
        if (field === 1) return durationMs(fromBinary(DurationSchema, reader.bytes()));
        reader.skip(wire);
      }
      return 0;
    } catch {
      // A detail that is none tells nothing.
    }
  }
  return undefined;
}

export class Patience {
  readonly #milliseconds: number;
  readonly #signal: AbortSignal | undefined;
  #pause = FIRST_PAUSE;
  #lostSince: number | undefined;
  #accepted = Infinity;

  /** `milliseconds`: how long to try without success. */
  constructor(milliseconds: number, signal: AbortSignal | undefined) {
    this.#milliseconds = milliseconds;
    this.#signal = signal;
  }

  /** A stream has been opened. */
  accepted(): void {
    this.#accepted = performance.now();
  }

  /** The stream has ended, one way or another. */
  ended(): void {
    if (performance.now() - this.#accepted >= STEADY) this.succeeded();
    this.#accepted = Infinity;
  }

  succeeded(): void {
    this.#lostSince = undefined;
    this.#pause = FIRST_PAUSE;
  }

  /** Resolves when it is time for the next attempt; throws `error` when patience ends before that. */
  async again(error: ConnectError): Promise<void> {
    this.ended();
    const now = performance.now();
    this.#lostSince ??= now;
    const pause = Math.max(this.#pause, delayOf(error) ?? 0);
    if (now - this.#lostSince + pause > this.#milliseconds) throw error;
    await this.pause(pause);
  }

  /** Longer each time, and for `milliseconds` at least. Throws the reason of the signal. */
  async pause(milliseconds = 0): Promise<void> {
    const signal = this.#signal;
    try {
      await sleep(Math.max(this.#pause, milliseconds), undefined, signal ? { signal } : {});
    } catch (thrown) {
      throw signal?.aborted ? signal.reason : thrown;
    }
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
  }
}
