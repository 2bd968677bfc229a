// No method of the SDK is forgotten: each is called in a file here.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { client } from './setup.mjs';

const ours = ['beta.assistants', 'beta.threads', 'models', 'files', 'uploads', 'vectorStores'];

function* methods(resource, path) {
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(resource))) {
    if (name !== 'constructor') yield `${path}.${name}`;
  }
  for (const [name, inner] of Object.entries(resource)) {
    if (!name.startsWith('_')) yield* methods(inner, `${path}.${name}`);
  }
}

test('every method is called', () => {
  const source = readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.test.mjs'))
    .map((file) => readFileSync(`${import.meta.dirname}/${file}`, 'utf8').replace(/\s+/g, ''))
    .join('\n');
  const uncovered = new Set();
  for (const path of ours) {
    const resource = path.split('.').reduce((object, name) => object[name], client);
    for (const method of methods(resource, path)) {
      if (!source.includes(`client.${method}(`)) uncovered.add(method);
    }
  }
  assert.deepEqual([...uncovered], []);
});
