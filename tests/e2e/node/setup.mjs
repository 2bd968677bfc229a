// What every file here starts with: a client, a model, and a way to tell the model what to do.
import OpenAI from 'openai';

export const client = new OpenAI({
  baseURL: process.env.BASE_URL,
  apiKey: process.env.KEY,
  maxRetries: 0,
});

export const dialect = process.env.DIALECT;
export const model = `${dialect}/scripted-model`;

/** A message that makes the model behind the server play these steps. */
export function scripted(...steps) {
  return { role: 'user', content: `scripted:${JSON.stringify(steps)}` };
}

export async function collect(iterable) {
  const found = [];
  for await (const item of iterable) found.push(item);
  return found;
}

/** The text of the newest message. */
export async function answer(threadId) {
  const page = await client.beta.threads.messages.list(threadId, { limit: 1 });
  return page.data[0].content[0].text.value;
}
