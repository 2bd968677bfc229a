// No method of the SDK is forgotten: each is called in a file here, or waits for an issue by its title.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { client } from './setup.mjs';

const ours = ['beta.assistants', 'beta.threads', 'models', 'files', 'uploads', 'vectorStores'];
const waiting = {
  files: 'Files, uploads and vector stores',
  uploads: 'Files, uploads and vector stores',
  vectorStores: 'Files, uploads and vector stores',
};

function* methods(resource, path) {
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(resource))) {
    if (name !== 'constructor') yield `${path}.${name}`;
  }
  for (const [name, inner] of Object.entries(resource)) {
    if (!name.startsWith('_')) yield* methods(inner, `${path}.${name}`);
  }
}

test('every method is called or waits', () => {
  const source = readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.test.mjs'))
    .map((file) => readFileSync(`${import.meta.dirname}/${file}`, 'utf8').replace(/\s+/g, ''))
    .join('\n');
  const uncovered = new Set();
  for (const path of ours) {
    const resource = path.split('.').reduce((object, name) => object[name], client);
    for (const method of methods(resource, path)) {
      const [root] = path.split('.');
      if (!source.includes(`client.${method}(`)) uncovered.add(root in waiting ? root : method);
    }
  }
  assert.deepEqual([...uncovered].sort(), Object.keys(waiting).sort());
});
