// Function tools: the model calls, the client answers.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { answer, client, collect, model, scripted } from './setup.mjs';

const calls = [
  { call: 'weather', arguments: { city: 'Rome' } },
  { call: 'weather', arguments: { city: 'Oslo' } },
];
let assistant_id;

before(async () => {
  const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }];
  assistant_id = (await client.beta.assistants.create({ model, tools })).id;
});

function outputs(run) {
  return run.required_action.submit_tool_outputs.tool_calls.map((call) => ({
    tool_call_id: call.id,
    output: `${JSON.parse(call.function.arguments).city} is sunny`,
  }));
}

async function waiting() {
  const thread = await client.beta.threads.create({ messages: [scripted(...calls)] });
  const run = await client.beta.threads.runs.createAndPoll(thread.id, { assistant_id });
  assert.equal(run.status, 'requires_action');
  return run;
}

test('answered and polled', async () => {
  const run = await waiting();
  const { thread_id } = run;
  const done = await client.beta.threads.runs.submitToolOutputsAndPoll(run.id, {
    thread_id,
    tool_outputs: outputs(run),
  });
  assert.equal(done.status, 'completed');
  assert.equal(await answer(thread_id), 'tools said: Rome is sunny, Oslo is sunny');
});

test('answered, without waiting', async () => {
  const run = await waiting();
  const { thread_id } = run;
  const tool_outputs = outputs(run);
  const queued = await client.beta.threads.runs.submitToolOutputs(run.id, { thread_id, tool_outputs });
  assert.equal(queued.status, 'queued');
  assert.equal((await client.beta.threads.runs.poll(run.id, { thread_id })).status, 'completed');
});

test('streamed', async () => {
  const thread = await client.beta.threads.create({ messages: [scripted(...calls)] });
  const heard = [];
  const stream = client.beta.threads.runs
    .stream(thread.id, { assistant_id })
    .on('toolCallCreated', (call) => heard.push(call.function.name))
    .on('toolCallDone', (call) => heard.push(JSON.parse(call.function.arguments).city));
  const run = await stream.finalRun();
  assert.equal(run.status, 'requires_action');
  assert.deepEqual(heard, ['weather', 'Rome', 'weather', 'Oslo']);

  const { thread_id } = run;
  const tool_outputs = outputs(run);
  const answered = client.beta.threads.runs.submitToolOutputsStream(run.id, { thread_id, tool_outputs });
  const events = await collect(answered);
  assert.equal(events[0].event, 'thread.run.step.completed');
  const text = (await answered.finalMessages())[0].content[0].text.value;
  assert.equal(text, 'tools said: Rome is sunny, Oslo is sunny');
});

test('outputs that do not fit', async () => {
  const run = await waiting();
  const body = { thread_id: run.thread_id, tool_outputs: outputs(run).slice(1) };
  await assert.rejects(client.beta.threads.runs.submitToolOutputs(run.id, body), (error) => {
    assert.equal(error.status, 400);
    assert.match(error.message, /Expected tool outputs for call_ids \['call_/);
    return true;
  });
  await client.beta.threads.runs.cancel(run.id, { thread_id: run.thread_id });
});
