// Runs that only speak: polled and streamed.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { answer, client, collect, dialect, model, scripted } from './setup.mjs';

const hello = [{ role: 'user', content: 'hello' }];
let assistant_id;

before(async () => {
  assistant_id = (await client.beta.assistants.create({ model })).id;
});

test('create, poll, retrieve, list, describe', async () => {
  const thread = await client.beta.threads.create({ messages: hello });
  const thread_id = thread.id;
  const run = await client.beta.threads.runs.create(thread_id, { assistant_id });
  assert.equal(run.status, 'queued');
  const done = await client.beta.threads.runs.poll(run.id, { thread_id });
  assert.equal(done.status, 'completed');
  assert.equal(done.usage.total_tokens, 12);
  assert.deepEqual(await client.beta.threads.runs.retrieve(run.id, { thread_id }), done);
  const updated = await client.beta.threads.runs.update(run.id, { thread_id, metadata: { a: 'b' } });
  assert.deepEqual(updated.metadata, { a: 'b' });
  const second = await client.beta.threads.runs.createAndPoll(thread_id, { assistant_id });
  const listed = await collect(client.beta.threads.runs.list(thread_id, { limit: 1 }));
  assert.deepEqual(listed.map((one) => one.id), [second.id, run.id]);

  const [step] = await collect(client.beta.threads.runs.steps.list(run.id, { thread_id }));
  const inRun = { thread_id, run_id: run.id };
  assert.deepEqual(await client.beta.threads.runs.steps.retrieve(step.id, inRun), step);
  assert.equal(step.type, 'message_creation');
});

test('a thread and a run at once', async () => {
  const body = { assistant_id, thread: { messages: hello } };
  const begun = await client.beta.threads.createAndRun(body);
  assert.equal(begun.status, 'queued');
  const run = await client.beta.threads.createAndRunPoll(body);
  assert.equal(run.status, 'completed');
  assert.equal(await answer(run.thread_id), 'echo: hello');
});

test('the stream tells what happens and gathers it', async () => {
  const thread = await client.beta.threads.create({ messages: hello });
  const heard = [];
  const stream = client.beta.threads.runs
    .stream(thread.id, { assistant_id })
    .on('runStepCreated', (step) => heard.push(['step', step.status]))
    .on('messageCreated', (message) => heard.push(['message', message.status]))
    .on('textCreated', () => heard.push(['text']))
    .on('textDelta', (delta, snapshot) => heard.push([delta.value, snapshot.value]))
    .on('textDone', (text) => heard.push(['text', text.value]))
    .on('messageDone', (message) => heard.push(['message', message.status]))
    .on('runStepDone', (step) => heard.push(['step', step.status]))
    .on('end', () => heard.push(['end']));
  const run = await stream.finalRun();
  const [message] = await stream.finalMessages();
  const [step] = await stream.finalRunSteps();
  assert.equal(run.status, 'completed');
  assert.equal(message.content[0].text.value, 'echo: hello');
  assert.equal(message.status, 'completed');
  assert.equal(step.status, 'completed');
  const spoken = heard.filter(([word]) => word.startsWith('echo') || word.startsWith(' '));
  assert.equal(spoken.map(([word]) => word).join(''), 'echo: hello');
  assert.deepEqual(heard.filter((event) => !spoken.includes(event)), [
    ['step', 'in_progress'],
    ['message', 'in_progress'],
    ['text'],
    ['text', 'echo: hello'],
    ['message', 'completed'],
    ['step', 'completed'],
    ['end'],
  ]);
});

test('streams are iterated as well', async () => {
  const thread = await client.beta.threads.create({ messages: hello });
  const raw = await client.beta.threads.runs.create(thread.id, { assistant_id, stream: true });
  const names = (await collect(raw)).map((event) => event.event);
  assert.equal(names[0], 'thread.run.created');
  assert.equal(names.at(-1), 'thread.run.completed');

  const helper = client.beta.threads.createAndRunStream({ assistant_id, thread: { messages: hello } });
  const events = await collect(helper);
  assert.equal(events[0].event, 'thread.created');
  assert.equal(events.at(-1).event, 'thread.run.completed');

  const old = client.beta.threads.runs.createAndStream(thread.id, { assistant_id });
  assert.equal((await old.finalRun()).status, 'completed');
});

test('heartbeats of a slow stream are not noticed', async () => {
  const thread = await client.beta.threads.create({ messages: [scripted({ tokens: 3, every: 0.3 })] });
  const stream = client.beta.threads.runs.stream(thread.id, { assistant_id });
  const [message] = await stream.finalMessages();
  assert.equal(message.content[0].text.value, ' token0 token1 token2');
});

test('a failed run ends its stream in order', async () => {
  const failing = await client.beta.assistants.create({ model: `single-${model}` });
  const thread = await client.beta.threads.create({
    messages: [scripted({ say: ['half'] }, { drop: true })],
  });
  const stream = client.beta.threads.runs.stream(thread.id, { assistant_id: failing.id });
  const names = (await collect(stream)).map((event) => event.event);
  assert.deepEqual(names.slice(-3), [
    'thread.message.incomplete',
    'thread.run.step.failed',
    'thread.run.failed',
  ]);
  const runs = await client.beta.threads.runs.list(thread.id);
  assert.equal(runs.data[0].last_error.code, 'server_error');
});

test('cancelling a run while it speaks', async () => {
  const thread = await client.beta.threads.create({
    messages: [scripted({ say: ['begun'] }, { stall: true })],
  });
  const stream = client.beta.threads.runs.stream(thread.id, { assistant_id });
  const names = [];
  for await (const event of stream) {
    names.push(event.event);
    if (event.event === 'thread.message.delta') {
      const run_id = stream.currentRun().id;
      await client.beta.threads.runs.cancel(run_id, { thread_id: thread.id });
    }
  }
  assert.deepEqual(names.slice(-2), ['thread.run.step.cancelled', 'thread.run.cancelled']);
  assert.equal((await stream.finalRun()).status, 'cancelled');
});

test('a client that hangs up does not end the run', async () => {
  const thread = await client.beta.threads.create({
    messages: [scripted({ tokens: 20, every: 0.01 })],
  });
  const stream = await client.beta.threads.runs.create(thread.id, { assistant_id, stream: true });
  let run;
  for await (const event of stream) {
    run ??= event.data;
    if (event.event === 'thread.message.delta') break;
  }
  const done = await client.beta.threads.runs.poll(run.id, { thread_id: thread.id });
  assert.equal(done.status, 'completed');
  assert.match(await answer(thread.id), / token19$/);
});
