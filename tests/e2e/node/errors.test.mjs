// What the SDK throws, and what it shows of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { client } from './setup.mjs';

const cases = [
  ['a wrong type', () => client.beta.assistants.create({ model: 7 }), 'model', 'invalid_type'],
  ['nothing given', () => client.beta.assistants.create({}), 'model', 'missing_required_parameter'],
  [
    'an unknown tool',
    () => client.beta.assistants.create({ model: 'm', tools: [{ type: 'x' }] }),
    'tools[0].type',
    'invalid_value',
  ],
  ['too many', () => client.beta.assistants.list({ limit: 101 }), 'limit', 'integer_above_max_value'],
];

for (const [name, call, param, code] of cases) {
  test(name, async () => {
    await assert.rejects(call(), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.deepEqual([error.status, error.param, error.code], [400, param, code]);
      assert.equal(error.type, 'invalid_request_error');
      assert.match(error.requestID, /^req_/);
      return true;
    });
  });
}

test('a wrong key', async () => {
  const stranger = client.withOptions({ apiKey: 'sk-not-a-real-key' });
  await assert.rejects(stranger.beta.threads.create(), (error) => {
    assert.ok(error instanceof OpenAI.AuthenticationError);
    assert.equal(error.code, 'invalid_api_key');
    return true;
  });
});

test('a stream that cannot begin', async () => {
  const stream = client.beta.threads.runs.stream('thread_x', { assistant_id: 'asst_x' });
  await assert.rejects(stream.done(), (error) => error.status === 404);
});
