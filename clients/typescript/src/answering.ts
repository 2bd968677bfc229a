// Calling a function for a model.

/**
 * Gets the arguments of a call, decoded: an object whose members are as the model wrote them. What it gives, or
 * promises, is the output: text, or what JSON can write.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type ToolFunction = (given: any) => unknown;

/** The output for the model. Whatever goes wrong is told to it as `{"error": "..."}`. */
export async function answer(call: ToolFunction | undefined, text: string): Promise<string> {
  try {
    const given: unknown = JSON.parse(text || "{}");
    if (typeof given !== "object" || given === null || Array.isArray(given)) {
      throw new TypeError("the arguments are not an object");
    }
    const found = await call?.(given);
    return typeof found === "string" ? found : (JSON.stringify(found) ?? "null");
  } catch (error) {
    return JSON.stringify({ error: String(error) });
  }
}
