// Assistants, threads, messages and models: making, changing, listing, deleting.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { client, collect, dialect } from './setup.mjs';

const gone = (message) => (error) => {
  assert.ok(error instanceof OpenAI.NotFoundError);
  assert.equal(error.status, 404);
  assert.match(error.requestID, /^req_/);
  assert.match(error.message, message);
  return true;
};

test('an assistant', async () => {
  const tools = [{ type: 'function', function: { name: 'f' } }, { type: 'file_search' }];
  const made = await client.beta.assistants.create({ model: 'gpt-4o', name: 'Ada', tools });
  assert.equal(made.object, 'assistant');
  assert.deepEqual(made.tools[0].function.parameters, { type: 'object', properties: {} });
  assert.match(made._request_id, /^req_/);
  const updated = await client.beta.assistants.update(made.id, { name: null, metadata: { a: 'b' } });
  assert.equal(updated.name, null);
  assert.deepEqual(await client.beta.assistants.retrieve(made.id), updated);
  assert.equal((await client.beta.assistants.delete(made.id)).deleted, true);
  await assert.rejects(client.beta.assistants.retrieve(made.id), gone(/No assistant found with id/));
});

test('all assistants, a page at a time, in both directions', async () => {
  const made = [];
  for (let number = 0; number < 5; number++) {
    made.push((await client.beta.assistants.create({ model: 'gpt-4o' })).id);
  }
  const after = await collect(client.beta.assistants.list({ order: 'asc', limit: 2, after: made[0] }));
  const ours = new Set(made);
  assert.deepEqual(after.map((one) => one.id).filter((id) => ours.has(id)), made.slice(1));
  const newest = await collect(client.beta.assistants.list({ limit: 2 }));
  assert.deepEqual(newest.map((one) => one.id).filter((id) => ours.has(id)), [...made].reverse());
});

test('a thread and its messages', async () => {
  const messages = ['one', 'two', 'three'].map((content) => ({ role: 'user', content }));
  const thread = await client.beta.threads.create({ messages, metadata: { a: 'b' } });
  assert.deepEqual(await client.beta.threads.retrieve(thread.id), thread);
  const cleared = await client.beta.threads.update(thread.id, { metadata: null });
  assert.deepEqual(cleared.metadata, {});

  const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
  const made = await client.beta.threads.messages.create(thread.id, {
    role: 'user',
    content: [{ type: 'text', text: 'four' }, image],
  });
  assert.equal(made.content[1].image_url.detail, 'auto');
  const inThread = { thread_id: thread.id };
  assert.deepEqual(await client.beta.threads.messages.retrieve(made.id, inThread), made);
  const marked = await client.beta.threads.messages.update(made.id, {
    ...inThread,
    metadata: { seen: 'yes' },
  });
  assert.deepEqual(marked.metadata, { seen: 'yes' });

  const listed = await collect(client.beta.threads.messages.list(thread.id, { order: 'asc', limit: 2 }));
  assert.deepEqual(listed.map((m) => m.content[0].text.value), ['one', 'two', 'three', 'four']);
  const backwards = await client.beta.threads.messages.list(thread.id, {
    order: 'asc',
    before: made.id,
    limit: 2,
  });
  assert.deepEqual(backwards.data.map((m) => m.content[0].text.value), ['two', 'three']);

  assert.equal((await client.beta.threads.messages.delete(made.id, inThread)).deleted, true);
  await assert.rejects(client.beta.threads.messages.retrieve(made.id, inThread), gone(/No message found/));
  assert.equal((await client.beta.threads.delete(thread.id)).deleted, true);
  await assert.rejects(client.beta.threads.retrieve(thread.id), gone(/No thread found/));
});

test('models', async () => {
  const names = (await collect(client.models.list())).map((one) => one.id);
  assert.ok(names.includes('demo/demo') && names.includes('chat/gpt-4o'));
  const one = dialect === 'chat' ? 'chat/gpt-4o' : 'gpt-4o';
  assert.equal((await client.models.retrieve(one)).id, one);
  await assert.rejects(client.models.delete('demo/demo'), (error) => error.status === 400);
});
