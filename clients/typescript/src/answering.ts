// Calling a function for a model.

/** What a function may want to know besides the arguments. */
export interface CallContext {
  /** Aborted when nobody waits for the output any more. */
  signal: AbortSignal | undefined;
}

/**
 * Gets the arguments of a call, decoded: an object whose members are as the model wrote them. What it gives, or
 * promises, is the output: text, or what JSON can write.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type ToolFunction = (given: any, context: CallContext) => unknown;

/** The output for the model. Never rejects: whatever goes wrong is told to it as `{"error": "..."}`. */
export async function answer(call: ToolFunction | undefined, text: string, signal?: AbortSignal): Promise<string> {
  try {
    const given: unknown = JSON.parse(text || "{}");
    if (typeof given !== "object" || given === null || Array.isArray(given)) {
      throw new TypeError("the arguments are not an object");
    }
    const found = await call?.(given, { signal });
    return typeof found === "string" ? found : (JSON.stringify(found) ?? "null");
  } catch (error) {
    return JSON.stringify({ error: told(error) });
  }
}

function told(error: unknown): string {
  try {
    return String(error);
  } catch {
    return "an error that cannot be told"; // an object without a prototype, for instance
  }
}

/** What `promise` gives; throws the reason of the signal as soon as there is one. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  let abort = () => {};
  const aborted = new Promise<void>((resolve) => (abort = resolve));
  signal.addEventListener("abort", abort);
  try {
    if (!signal.aborted) await Promise.race([promise, aborted]);
    signal.throwIfAborted();
    return await promise;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
