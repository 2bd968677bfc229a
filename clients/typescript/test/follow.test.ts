// Following a run on a real core, at UNDERSTUDY_TARGET with UNDERSTUDY_API_KEY. `make test-clients` starts one.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { connect, follow, type FollowOptions } from "understudy-client";
import type { RunEvent } from "understudy-client/v1/event";
import { MessageRole } from "understudy-client/v1/message";
import { RunStatus, type Run } from "understudy-client/v1/run";

const target = process.env.UNDERSTUDY_TARGET;
const apiKey = process.env.UNDERSTUDY_API_KEY;
assert(target && apiKey, "UNDERSTUDY_TARGET and UNDERSTUDY_API_KEY say where a core is");
const client = connect(target, { apiKey });
after(() => client.close());

async function started(): Promise<Run> {
  const assistant = await client.assistants.createAssistant({
    model: "demo/demo",
    tools: [{ tool: { case: "function", value: { name: "weather" } } }],
  });
  const content = { content: { case: "text", value: "What is the weather?" } } as const;
  const thread = await client.assistants.createThread({ messages: [{ role: MessageRole.USER, content }] });
  return client.assistants.createRun({ threadId: thread.id, assistantId: assistant.id });
}

async function events(run: Run, options: FollowOptions): Promise<RunEvent[]> {
  const found: RunEvent[] = [];
  for await (const event of follow(client, run, options)) found.push(event);
  return found;
}

function text(events: RunEvent[]): string {
  const parts = events.flatMap(({ event }) => (event.case === "messageDelta" ? (event.value.delta?.content ?? []) : []));
  return parts.map(({ part }) => (part.case === "text" ? part.value.value : "")).join("");
}

test("a function may promise what JSON can write", async () => {
  const all = await events(await started(), { functions: { weather: async () => ({ degrees: 18 }) } });
  assert.equal(text(all), 'Here is what I found: weather says {"degrees":18}.');
  assert.equal(all.at(-1)?.event.case, "runCompleted");
});

test("what a function throws is told to the model", async () => {
  const functions = {
    weather: () => {
      throw new RangeError("no such city");
    },
  };
  assert.match(text(await events(await started(), { functions })), /\{"error":"RangeError: no such city"\}/);
});

test("who leaves early goes on later", async () => {
  const run = await started();
  const seen: RunEvent[] = [];
  for await (const event of follow(client, run)) {
    seen.push(event);
    if (seen.length === 2) break;
  }
  seen.push(...(await events(run, { after: seen[1]!.id })));
  assert.equal(seen.at(-1)?.event.case, "runRequiresAction");
  seen.push(...(await events(run, { after: seen.at(-1)!.id, functions: { weather: () => "rain" } })));
  const whole = await events(run, {});
  assert.deepEqual(seen, whole);
  assert.deepEqual(await events(run, { after: whole.at(-1)!.id }), []);
  assert.equal((await client.assistants.getRun({ threadId: run.threadId, runId: run.id })).status, RunStatus.COMPLETED);
});

test("a refusal is thrown", async () => {
  const run = await started();
  const isCode = (code: Code) => (error: unknown) => error instanceof ConnectError && error.code === code;
  await assert.rejects(events({ ...run, id: "run_unknown" }, {}), isCode(Code.NotFound));
  const stranger = connect(target, { apiKey: "sk-none-of-ours" });
  await assert.rejects(stranger.models.listModels({}), isCode(Code.Unauthenticated));
  stranger.close();
});

test("patience has an end, and a signal ends it sooner", async () => {
  const run = await started();
  const nobody = connect("unix:/nowhere/core.sock", { apiKey });
  await assert.rejects(follow(nobody, run, { patience: 0.1 }).next(), ConnectError);
  const going = AbortSignal.abort(new Error("enough"));
  await assert.rejects(follow(nobody, run, { signal: going }).next());
  nobody.close();
});
