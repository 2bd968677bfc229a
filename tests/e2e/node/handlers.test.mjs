// What the listeners of a stream hear, each by its own name, and that none is forgotten.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { events } from './declared.mjs';
import { client, model, scripted } from './setup.mjs';

const never = {
  imageFileDone: 'models answer with text, and there are no files that an image could be',
};

const text = (message) => message.content.map((part) => part.text.value).join('');
const callsOf = (step) =>
  step.step_details.tool_calls.map((call) => call.function.arguments ?? '').join('|');
const call = (call) => [call.function.name, call.function.arguments];
const essence = {
  abort: (error) => [error.constructor.name],
  connect: () => [],
  end: () => [],
  error: (error) => [error.constructor.name],
  event: (event) => [event.event],
  messageCreated: (message) => [message.status],
  messageDelta: (delta, snapshot) => [text(delta), text(snapshot)],
  messageDone: (message) => [message.status, text(message)],
  run: (run) => [run.status],
  runStepCreated: (step) => [step.type, step.status],
  runStepDelta: (delta, snapshot) => [callsOf(delta), callsOf(snapshot)],
  runStepDone: (step) => [step.type, step.status],
  textCreated: () => [],
  textDelta: (delta, snapshot) => [delta.value, snapshot.value],
  textDone: (content) => [content.value],
  toolCallCreated: (made) => call(made),
  toolCallDelta: (delta, snapshot) => [delta.function.arguments, snapshot.function.arguments],
  toolCallDone: (made) => call(made),
};

/** Writes a row for whatever the stream tells from now on: the event's name, then its gist. */
function hear(stream) {
  const heard = [];
  for (const event of events) stream.on(event, (...told) => heard.push([event, ...essence[event](...told)]));
  return heard;
}

const named = (...names) => names.map((name) => ['event', `thread.${name}`]);
const begun = [['connect'], ...named('run.created', 'run.queued', 'run.in_progress')];
const speaking = [
  ...named('run.step.created'),
  ['runStepCreated', 'message_creation', 'in_progress'],
  ...named('run.step.in_progress', 'message.created'),
  ['messageCreated', 'in_progress'],
  ...named('message.in_progress', 'message.delta'),
  ['textCreated'],
  ['messageDelta', 'Hel', 'Hel'],
  ['textDelta', 'Hel', 'Hel'],
  ...named('message.delta'),
  ['messageDelta', 'lo', 'Hello'],
  ['textDelta', 'lo', 'Hello'],
];
const spoken = [
  ...speaking,
  ...named('message.completed'),
  ['textDone', 'Hello'],
  ['messageDone', 'completed', 'Hello'],
  ...named('run.step.completed'),
  ['runStepDone', 'message_creation', 'completed'],
  ...named('run.completed'),
  ['run', 'completed'],
  ['end'],
];
const broken = [
  ...speaking,
  ...named('message.incomplete'),
  ['textDone', 'Hello'],
  ['messageDone', 'incomplete', 'Hello'],
  ...named('run.step.failed'),
  ['runStepDone', 'message_creation', 'failed'],
  ...named('run.failed'),
  ['run', 'failed'],
  ['end'],
];
const called = [
  ...named('run.step.created'),
  ['runStepCreated', 'tool_calls', 'in_progress'],
  ...named('run.step.in_progress', 'run.step.delta'),
  ['toolCallCreated', 'f', ''],
  ['runStepDelta', '', ''],
  ...named('run.step.delta'),
  ['toolCallDelta', '{"a":', '{"a":'],
  ['runStepDelta', '{"a":', '{"a":'],
  ...named('run.step.delta'),
  ['toolCallDelta', ' 1}', '{"a": 1}'],
  ['runStepDelta', ' 1}', '{"a": 1}'],
  ...named('run.step.delta'),
  ['toolCallDone', 'f', '{"a": 1}'],
  ['toolCallCreated', 'f', ''],
  ['runStepDelta', '', '{"a": 1}|'],
  ...named('run.step.delta'),
  ['toolCallDelta', '{}', '{}'],
  ['runStepDelta', '{}', '{"a": 1}|{}'],
  ...named('run.requires_action'),
  ['toolCallDone', 'f', '{}'],
  ['run', 'requires_action'],
  ['end'],
];
const resumed = [
  ['connect'],
  ...named('run.step.completed'),
  ['runStepDone', 'tool_calls', 'completed'],
  ...named('run.queued', 'run.in_progress'),
];
const refused = [['error', 'NotFoundError'], ['end']];
const deleted = [['error', 'APIError'], ['end']];
const aborted = [['abort', 'APIUserAbortError'], ['end']];

test('every event is heard or cannot be', () => {
  const rows = [begun, spoken, broken, called, resumed, refused, deleted, aborted].flat();
  const heard = new Set(rows.map(([event]) => event));
  assert.deepEqual([...heard, ...Object.keys(never)].sort(), [...events].sort());
});

const hello = { say: ['Hel', 'lo'] };
let assistant_id;

before(async () => {
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }];
  assistant_id = (await client.beta.assistants.create({ model, tools })).id;
});

async function asked(...steps) {
  return (await client.beta.threads.create({ messages: [scripted(...steps)] })).id;
}

test('heard of a run that speaks', async () => {
  const stream = client.beta.threads.runs.stream(await asked(hello), { assistant_id });
  const heard = hear(stream);
  await stream.done();
  assert.deepEqual(heard, [...begun, ...spoken]);
});

test('heard under the old name', async () => {
  const stream = client.beta.threads.runs.createAndStream(await asked(hello), { assistant_id });
  const heard = hear(stream);
  await stream.done();
  assert.deepEqual(heard, [...begun, ...spoken]);
});

test('heard of a new thread', async () => {
  const thread = { messages: [scripted(hello)] };
  const stream = client.beta.threads.createAndRunStream({ assistant_id, thread });
  const heard = hear(stream);
  await stream.done();
  const [connected, ...rest] = begun;
  assert.deepEqual(heard, [connected, ...named('created'), ...rest, ...spoken]);
});

test('heard of a run that fails', async () => {
  const thread_id = await asked(hello, { error: 'server_error' });
  const body = { assistant_id, model: `single-${model}` };
  const stream = client.beta.threads.runs.stream(thread_id, body);
  const heard = hear(stream);
  await stream.done();
  assert.deepEqual(heard, [...begun, ...broken]);
});

test('heard of calls and of their answers', async () => {
  const thread_id = await asked([{ call: 'f', arguments: { a: 1 } }, { call: 'f' }], [hello]);
  const stream = client.beta.threads.runs.stream(thread_id, { assistant_id });
  const heard = hear(stream);
  const run = await stream.finalRun();
  assert.deepEqual(heard, [...begun, ...called]);

  const { tool_calls } = run.required_action.submit_tool_outputs;
  const tool_outputs = tool_calls.map(({ id }) => ({ tool_call_id: id, output: '' }));
  const answered = client.beta.threads.runs.submitToolOutputsStream(run.id, { thread_id, tool_outputs });
  const heardThen = hear(answered);
  await answered.done();
  assert.deepEqual(heardThen, [...resumed, ...spoken]);
});

test('heard of a stream that cannot begin', async () => {
  const stream = client.beta.threads.runs.stream('thread_x', { assistant_id });
  const heard = hear(stream);
  await assert.rejects(stream.done());
  assert.deepEqual(heard, refused);
});

test('heard when the thread is deleted', async () => {
  const thread_id = await asked({ say: ['begun'] }, { stall: true });
  const stream = client.beta.threads.runs.stream(thread_id, { assistant_id });
  const heard = hear(stream);
  stream.once('messageCreated', () => client.beta.threads.delete(thread_id));
  await assert.rejects(stream.done());
  assert.deepEqual(heard.slice(-deleted.length), deleted);
});

test('heard when the program stops listening', async () => {
  const thread_id = await asked({ say: ['begun'] }, { stall: true });
  const stream = client.beta.threads.runs.stream(thread_id, { assistant_id });
  const heard = hear(stream);
  stream.once('textDelta', () => stream.abort());
  await assert.rejects(stream.done());
  assert.deepEqual(heard.slice(-aborted.length), aborted);
  await client.beta.threads.delete(thread_id);
});
