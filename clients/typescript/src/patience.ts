// How long and how often to try again what a broken connection has ended.
import { Code, ConnectError } from "@connectrpc/connect";
import { setTimeout as sleep } from "node:timers/promises";

const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2_000;
/** Milliseconds for which a stream has stood that was no mere attempt, even if nothing came. */
const STEADY = 2_000;

/** How a call ends whose connection broke, whose core went away, or for which there was no room at the moment. */
const LOST = new Set([Code.Aborted, Code.Canceled, Code.Internal, Code.ResourceExhausted, Code.Unavailable, Code.Unknown]);

export function isLost(error: ConnectError): boolean {
  return LOST.has(error.code);
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

  succeeded(): void {
    this.#lostSince = undefined;
    this.#pause = FIRST_PAUSE;
  }

  /** Resolves when it is time for the next attempt; throws `error` when patience has an end. */
  async again(error: ConnectError): Promise<void> {
    const now = performance.now();
    if (now - this.#accepted >= STEADY) this.succeeded();
    this.#accepted = Infinity;
    this.#lostSince ??= now;
    if (now - this.#lostSince + this.#pause > this.#milliseconds) throw error;
    await this.pause();
  }

  /** Longer each time. */
  async pause(): Promise<void> {
    await sleep(this.#pause, undefined, this.#signal ? { signal: this.#signal } : {});
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
  }
}
