// What the SDK's stream of an assistant offers, by its own declarations and classes.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AssistantStream } from 'openai/lib/AssistantStream';

/** The events of an interface, as its type declaration lists them. */
function declared(file, name) {
  const path = import.meta.resolve('openai/lib/AssistantStream').replace(/[^/]+$/, file);
  const source = readFileSync(fileURLToPath(path), 'utf8');
  const [, body] = source.match(new RegExp(`interface ${name}\\b[^{]*\\{([\\s\\S]*?)\\n\\}`));
  return [...body.matchAll(/^\s+(\w+): \(/gm)].map(([, event]) => event);
}

/** Every event that `on` takes. */
export const events = [
  ...declared('AssistantStream.d.ts', 'AssistantStreamEvents'),
  ...declared('EventStream.d.ts', 'BaseEvents'),
];

function shown(object) {
  return Object.getOwnPropertyNames(object).filter((name) => !name.startsWith('_') && name !== 'constructor');
}

/** Every public method and getter of a stream. */
export const members = [
  ...shown(AssistantStream.prototype),
  ...shown(Object.getPrototypeOf(AssistantStream.prototype)),
  ...Object.keys(new AssistantStream()),
].filter((name) => !name.startsWith('_'));

/** Every public function of the class itself. */
export const functions = shown(AssistantStream).filter((name) => typeof AssistantStream[name] === 'function');
