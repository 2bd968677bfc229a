// What a stream shows of what it has gathered, in the middle and in the end, and that nothing is forgotten.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { AssistantStream } from 'openai/lib/AssistantStream';
import { functions, members } from './declared.mjs';
import { client, collect, model, scripted } from './setup.mjs';

const behind = {
  createAssistantStream: 'client.beta.threads.runs.stream(',
  createThreadAssistantStream: 'client.beta.threads.createAndRunStream(',
  createToolAssistantStream: 'client.beta.threads.runs.submitToolOutputsStream(',
  accumulateDelta: 'stream.currentMessageSnapshot(',
};

test('everything that a stream offers is used here', () => {
  const source = ['handlers', 'views']
    .map((name) => readFileSync(`${import.meta.dirname}/${name}.test.mjs`, 'utf8'))
    .join('\n');
  const unused = [
    ...members.filter((name) => !new RegExp(`\\bstream\\.${name}\\b`).test(source)),
    ...functions.filter((name) => !source.includes(behind[name] ?? `AssistantStream.${name}(`)),
  ];
  assert.deepEqual(unused, []);
});

const hello = scripted({ say: ['Hel', 'lo'] });
const stalling = scripted({ say: ['begun'] }, { stall: true });
let assistant_id;

before(async () => {
  assistant_id = (await client.beta.assistants.create({ model })).id;
});

async function streamed(message) {
  const thread = await client.beta.threads.create({ messages: [message] });
  return client.beta.threads.runs.stream(thread.id, { assistant_id });
}

// An event is told before it counts: name, the run's status, the step's type, the message's text.
test('what it knows while it tells', async () => {
  const stream = await streamed(hello);
  assert.equal(stream.currentEvent(), undefined);
  const known = [];
  stream.on('event', (event) => {
    assert.deepEqual(stream.currentEvent(), event);
    const message = stream.currentMessageSnapshot();
    known.push([
      event.event.replace('thread.', ''),
      stream.currentRun()?.status,
      stream.currentRunStepSnapshot()?.type,
      message && message.content.map((part) => part.text.value).join(''),
    ]);
  });
  await stream.done();
  assert.deepEqual(known, [
    ['run.created', undefined, undefined, undefined],
    ['run.queued', 'queued', undefined, undefined],
    ['run.in_progress', 'queued', undefined, undefined],
    ['run.step.created', 'in_progress', undefined, undefined],
    ['run.step.in_progress', 'in_progress', 'message_creation', undefined],
    ['message.created', 'in_progress', 'message_creation', undefined],
    ['message.in_progress', 'in_progress', 'message_creation', ''],
    ['message.delta', 'in_progress', 'message_creation', ''],
    ['message.delta', 'in_progress', 'message_creation', 'Hel'],
    ['message.completed', 'in_progress', 'message_creation', 'Hello'],
    ['run.step.completed', 'in_progress', 'message_creation', undefined],
    ['run.completed', 'in_progress', undefined, undefined],
  ]);
});

test('what it has gathered in the end', async () => {
  const stream = await streamed(hello);
  const run = await stream.finalRun();
  const [message] = await stream.finalMessages();
  const [step] = await stream.finalRunSteps();
  const { thread_id } = run;
  assert.deepEqual(await client.beta.threads.runs.retrieve(run.id, { thread_id }), run);
  assert.deepEqual(await client.beta.threads.messages.retrieve(message.id, { thread_id }), message);
  const inRun = { thread_id, run_id: run.id };
  // A step tells when its run expires, while the run lives.
  const stored = await client.beta.threads.runs.steps.retrieve(step.id, inRun);
  assert.deepEqual(stored, { ...step, expires_at: null });
  assert.deepEqual([stream.ended, stream.errored, stream.aborted], [true, false, false]);
});

test('events as promises and as iterators', async () => {
  const stream = await streamed(hello);
  const done = stream.emitted('textDone');
  const all = collect(stream.events('event'));
  assert.equal((await done)[0].value, 'Hello');
  const names = (await all).map(([event]) => event.event);
  assert.equal(names.filter((name) => name === 'thread.message.delta').length, 2);
  assert.equal(names.at(-1), 'thread.run.completed');
});

test('listeners that leave', async () => {
  const stream = await streamed(hello);
  const heard = [];
  const listener = () => heard.push('not heard');
  stream.on('textDelta', listener);
  stream.once('textDelta', (delta) => heard.push(delta.value));
  stream.off('textDelta', listener);
  await stream.done();
  assert.deepEqual(heard, ['Hel']);
});

test('carried elsewhere and read there', async () => {
  const stream = await streamed(hello);
  const carried = AssistantStream.fromReadableStream(stream.toReadableStream());
  const [message] = await carried.finalMessages();
  assert.equal(message.content[0].text.value, 'Hello');
});

test('stopped, by the stream and by its controller', async () => {
  for (const stop of [(stream) => stream.abort(), (stream) => stream.controller.abort()]) {
    const stream = await streamed(stalling);
    stream.once('textDelta', () => stop(stream));
    await assert.rejects(stream.done());
    assert.deepEqual([stream.ended, stream.errored, stream.aborted], [true, true, true]);
    // The run goes on without a listener.
    const { id, thread_id } = stream.currentRun();
    assert.equal((await client.beta.threads.runs.retrieve(id, { thread_id })).status, 'in_progress');
    await client.beta.threads.delete(thread_id);
  }
});
