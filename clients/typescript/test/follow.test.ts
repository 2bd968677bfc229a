// Following a run on a real core, at UNDERSTUDY_TARGET with UNDERSTUDY_API_KEY. `make test-clients` starts one.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { type CallContext, Code, connect, ConnectError, follow, type FollowOptions } from "understudy-client";
import { AssistantsService } from "understudy-client/v1/assistants_service";
import { ErrorDetailSchema, Reason } from "understudy-client/v1/error";
import type { RunEvent } from "understudy-client/v1/event";
import { MessageRole } from "understudy-client/v1/message";
import { RunSchema, RunStatus, type Run } from "understudy-client/v1/run";

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

test("a key without the scope `admin` manages no keys", async () => {
  await assert.rejects(client.keys.listKeys({}), (error) => {
    assert(error instanceof ConnectError);
    assert.equal(error.code, Code.PermissionDenied);
    assert.deepEqual(error.findDetails(ErrorDetailSchema).map(({ reason }) => reason), [Reason.MISSING_SCOPE]);
    return true;
  });
});

test("a signal ends a function that hangs, and nothing is submitted", async () => {
  const run = await started();
  const control = new AbortController();
  const enough = new Error("enough");
  let told: AbortSignal | undefined;
  const hanging = (_: unknown, { signal }: CallContext) => {
    told = signal;
    control.abort(enough);
    return new Promise(() => {});
  };
  await assert.rejects(events(run, { functions: { weather: hanging }, signal: control.signal }), enough);
  assert.equal(told?.reason, enough);
  const late = new AbortController();
  const answered = () => {
    late.abort(enough);
    return "snow";
  };
  await assert.rejects(events(run, { functions: { weather: answered }, signal: late.signal }), enough);
  assert.match(text(await events(run, { functions: { weather: () => "rain" } })), /weather says rain/);
});

test("who closes the client is not kept waiting", { timeout: 60_000 }, async () => {
  const run = await started();
  const other = connect(target, { apiKey });
  const closing = () => {
    other.close();
    return "snow";
  };
  const options = { functions: { weather: closing }, patience: Infinity };
  await assert.rejects(
    async () => {
      for await (const _ of follow(other, run, options));
    },
    (error) => error instanceof ConnectError && error.code === Code.Canceled,
  );
  assert.match(text(await events(run, { functions: { weather: () => "rain" } })), /weather says rain/);
});

test("what the loop throws is not taken for a broken connection", async () => {
  const going = follow(client, await started());
  await going.next();
  const thrown = new ConnectError("mine", Code.Unavailable);
  await assert.rejects(going.throw(thrown), thrown);
  assert((await going.next()).done);
});

test("leaving the loop ends the stream", async () => {
  let left: (() => void) | undefined;
  const gone = new Promise<void>((resolve) => (left = resolve));
  const routes = (router: ConnectRouter) =>
    router.service(AssistantsService, {
      async *streamRunEvents(_, { signal }) {
        yield { events: [{ id: "1-1" }, { id: "1-2" }] };
        signal.addEventListener("abort", () => left?.());
        if (signal.aborted) left?.();
        await gone;
      },
    });
  const server = createServer(connectNodeAdapter({ routes }));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const own = connect(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  for await (const event of follow(own, create(RunSchema, { id: "run_1", threadId: "thread_1" }))) {
    assert.equal(event.id, "1-1");
    break;
  }
  await gone;
  own.close();
  server.close();
});

test("patience has an end, and a signal ends it sooner", async () => {
  const run = await started();
  const nobody = connect("unix:/nowhere/core.sock", { apiKey });
  await assert.rejects(follow(nobody, run, { patience: 0.1 }).next(), ConnectError);
  const going = AbortSignal.abort(new RangeError("enough"));
  await assert.rejects(follow(nobody, run, { signal: going }).next(), RangeError);
  await assert.rejects(follow(nobody, run, { signal: AbortSignal.timeout(50) }).next(), { name: "TimeoutError" });
  nobody.close();
});
