// Files and uploads: the SDK sends the file before its purpose, and everything as one stream.
import assert from 'node:assert/strict';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { client, collect } from './setup.mjs';

const text = async (id) => await (await client.files.content(id)).text();

test('a file', async () => {
  const file = await toFile(Buffer.from('hello'), 'grüße "文件".txt');
  const made = await client.files.create({
    file,
    purpose: 'user_data',
    expires_after: { anchor: 'created_at', seconds: 3600 },
  });
  assert.match(made.id, /^file-/);
  assert.deepEqual(
    [made.object, made.filename, made.bytes, made.purpose, made.status, made.expires_at],
    ['file', 'grüße "文件".txt', 5, 'user_data', 'processed', made.created_at + 3600],
  );
  assert.deepEqual(await client.files.retrieve(made.id), made);
  assert.equal(await text(made.id), 'hello');
  assert.deepEqual(await client.files.waitForProcessing(made.id, { pollInterval: 1 }), made);
  assert.deepEqual(await client.files.delete(made.id), { object: 'file', deleted: true, id: made.id });
  await assert.rejects(client.files.retrieve(made.id), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.param, 'id');
    assert.match(error.message, /No such File object: file-/);
    return true;
  });
});

test('everything that can be a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-'));
  try {
    const path = join(folder, 'on disk.txt');
    writeFileSync(path, 'from a path');
    const given = [
      [createReadStream(path), 'on disk.txt', 'from a path'],
      [new File(['a', 'b'], 'a%b "c".txt'), 'a%b "c".txt', 'ab'],
      [await toFile(new Uint8Array([104, 105]), 'hi'), 'hi', 'hi'],
      [new Response('of a response', { headers: {} }), null, 'of a response'],
    ];
    for (const [file, name, content] of given) {
      const made = await client.files.create({ file, purpose: 'vision' });
      if (name !== null) assert.equal(made.filename, name);
      assert.equal(await text(made.id), content);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('pages of files', async () => {
  const made = [];
  for (const number of [0, 1, 2]) {
    const file = new File([`${number}`], `${number}.txt`);
    made.push((await client.files.create({ file, purpose: 'evals' })).id);
  }
  const listed = await collect(client.files.list({ purpose: 'evals', order: 'asc', limit: 1, after: made[0] }));
  assert.deepEqual(listed.map((file) => file.id).filter((id) => made.includes(id)), made.slice(1));
});

test('refused files', async () => {
  const file = new File(['x'], 'a.txt');
  const refused = [
    [{ file, purpose: 'bad' }, /'bad' is not one of/, 'purpose'],
    [{ file: new File([], 'a.txt'), purpose: 'vision' }, /empty/, 'file'],
    [{ file, purpose: 'vision', colour: 'red' }, /Unknown parameter: 'colour'/, 'colour'],
  ];
  for (const [body, message, param] of refused) {
    await assert.rejects(client.files.create(body), (error) => {
      assert.equal(error.status, 400);
      assert.match(error.message, message);
      assert.equal(error.param, param);
      return true;
    });
  }
});

test('an upload', async () => {
  const given = { filename: 'grüße.txt', purpose: 'vision', mime_type: 'text/plain' };
  const upload = await client.uploads.create({ ...given, bytes: 6 });
  assert.equal(upload.status, 'pending');
  const parts = [];
  for (const data of ['def', 'abc']) {
    const part = await client.uploads.parts.create(upload.id, { data: new File([data], 'upload') });
    assert.equal(part.upload_id, upload.id);
    parts.unshift(part.id);
  }
  const done = await client.uploads.complete(upload.id, { part_ids: parts });
  assert.equal(done.status, 'completed');
  assert.equal(await text(done.file.id), 'abcdef');
  const other = await client.uploads.create({ ...given, bytes: 6 });
  assert.equal((await client.uploads.cancel(other.id)).status, 'cancelled');
  await assert.rejects(client.uploads.cancel('upload_absent'), /No upload found with id 'upload_absent'/);
});

test('some megabytes', async () => {
  const content = Buffer.alloc(5_000_000, 'abc');
  const made = await client.files.create({ file: await toFile(content, 'big.bin'), purpose: 'vision' });
  const back = Buffer.from(await (await client.files.content(made.id)).arrayBuffer());
  assert.ok(back.equals(content));
});
