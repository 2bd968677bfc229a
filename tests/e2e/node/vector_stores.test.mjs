// Vector stores: made, filled, searched and deleted, with every helper that waits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { client, collect } from './setup.mjs';

const owl = 'The owl sleeps through the day and hunts by night.';
const bread = 'Bread is baked of flour, water and salt.';
const fast = { pollIntervalMs: 20 };

const fileOf = async (text, name = 'a.txt') =>
  (await client.files.create({ file: await toFile(Buffer.from(text), name), purpose: 'assistants' })).id;

test('a vector store', async () => {
  const made = await client.vectorStores.create({
    name: 'Books',
    metadata: { k: 'v' },
    expires_after: { anchor: 'last_active_at', days: 3 },
  });
  assert.match(made.id, /^vs_/);
  assert.deepEqual([made.object, made.status, made.file_counts.total], ['vector_store', 'completed', 0]);
  assert.equal(made.expires_at, made.last_active_at + 3 * 24 * 3600);
  assert.deepEqual(await client.vectorStores.retrieve(made.id), made);
  const changed = await client.vectorStores.update(made.id, { name: null, expires_after: null });
  assert.deepEqual([changed.name, changed.expires_after, changed.metadata], [null, null, { k: 'v' }]);
  const other = await client.vectorStores.create({});
  const listed = await collect(client.vectorStores.list({ order: 'asc', limit: 1, after: made.id }));
  assert.ok(listed.some((store) => store.id === other.id));
  const gone = await client.vectorStores.delete(made.id);
  assert.deepEqual(gone, { id: made.id, object: 'vector_store.deleted', deleted: true });
  await assert.rejects(client.vectorStores.retrieve(made.id), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.match(error.message, /No vector store found with id/);
    return true;
  });
});

test('files of a vector store', async () => {
  const store = await client.vectorStores.create({});
  const place = { vector_store_id: store.id };
  const first = await client.vectorStores.files.create(store.id, {
    file_id: await fileOf(owl),
    attributes: { a: 'x', b: 2.5, c: true },
  });
  assert.equal(first.status, 'in_progress');
  const done = await client.vectorStores.files.poll(store.id, first.id, fast);
  assert.deepEqual([done.status, done.last_error], ['completed', null]);
  assert.deepEqual(await client.vectorStores.files.retrieve(first.id, place), done);
  const changed = await client.vectorStores.files.update(first.id, { ...place, attributes: { d: 'y' } });
  assert.deepEqual(changed.attributes, { d: 'y' });
  const [part] = await collect(client.vectorStores.files.content(first.id, place));
  assert.deepEqual(part, { type: 'text', text: owl });
  const second = await client.vectorStores.files.createAndPoll(store.id, { file_id: await fileOf(bread) }, fast);
  assert.equal(second.status, 'completed');
  const third = await client.vectorStores.files.upload(store.id, new File([bread], 'b.md'));
  const fourth = await client.vectorStores.files.uploadAndPoll(store.id, new File(['<p>Hi</p>'], 'c.html'), fast);
  assert.equal(fourth.status, 'completed');
  await client.vectorStores.files.poll(store.id, third.id, fast);
  const listed = await collect(client.vectorStores.files.list(store.id, { limit: 1, filter: 'completed' }));
  assert.deepEqual(listed.map((file) => file.id), [fourth.id, third.id, second.id, first.id]);
  const gone = await client.vectorStores.files.delete(first.id, place);
  assert.deepEqual(gone, { id: first.id, object: 'vector_store.file.deleted', deleted: true });
  await assert.rejects(client.vectorStores.files.retrieve(first.id, place), /in vector store/);
  const broken = await fileOf('%PDF-1.7 and no more', 'a.pdf');
  const failed = await client.vectorStores.files.createAndPoll(store.id, { file_id: broken }, fast);
  assert.deepEqual([failed.status, failed.last_error.code], ['failed', 'invalid_file']);
  await assert.rejects(
    client.vectorStores.files.create(store.id, { file_id: 'file-x' }),
    /were not found: file-x/,
  );
});

test('batches of files', async () => {
  const store = await client.vectorStores.create({});
  const place = { vector_store_id: store.id };
  const ids = [await fileOf(owl), await fileOf(bread)];
  const made = await client.vectorStores.fileBatches.create(store.id, { file_ids: ids });
  assert.deepEqual([made.object, made.file_counts.total], ['vector_store.files_batch', 2]);
  const done = await client.vectorStores.fileBatches.poll(store.id, made.id, fast);
  assert.deepEqual([done.status, done.file_counts.completed], ['completed', 2]);
  assert.deepEqual(await client.vectorStores.fileBatches.retrieve(made.id, place), done);
  const listed = await collect(
    client.vectorStores.fileBatches.listFiles(made.id, { ...place, order: 'asc', limit: 1 }),
  );
  assert.deepEqual(listed.map((file) => file.id), ids);
  await assert.rejects(client.vectorStores.fileBatches.cancel(made.id, place), /with status 'completed'/);
  const again = await client.vectorStores.fileBatches.createAndPoll(store.id, { file_ids: ids }, fast);
  assert.deepEqual([again.status, again.file_counts.completed], ['completed', 2]);
  const files = [new File([bread], 'b.txt'), new File([owl], 'c.txt')];
  const uploaded = await client.vectorStores.fileBatches.uploadAndPoll(
    store.id,
    { files, fileIds: [ids[0]] },
    fast,
  );
  assert.deepEqual([uploaded.status, uploaded.file_counts.completed], ['completed', 3]);
});

test('a search', async () => {
  const store = await client.vectorStores.create({});
  const ids = [await fileOf(owl, 'owl.txt'), await fileOf(bread, 'bread.txt')];
  const files = ids.map((id, index) => ({ file_id: id, attributes: { kind: ['bird', 'food'][index] } }));
  await client.vectorStores.fileBatches.createAndPoll(store.id, { files }, fast);
  const [best] = await collect(client.vectorStores.search(store.id, { query: 'an owl at night' }));
  assert.deepEqual([best.file_id, best.filename, best.content[0].text], [ids[0], 'owl.txt', owl]);
  const filters = { type: 'eq', key: 'kind', value: 'food' };
  const found = await collect(client.vectorStores.search(store.id, { query: ['flour', 'owl'], filters }));
  assert.deepEqual([...new Set(found.map((result) => result.file_id))], [ids[1]]);
});
