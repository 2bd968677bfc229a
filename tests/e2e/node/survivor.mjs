// One streamed run, told line by line on standard output while it goes on: each event's name, then what the
// stream has gathered.
import { client, model, scripted } from './setup.mjs';

const tools = [{ type: 'function', function: { name: 'shout', parameters: {} } }];
const assistant = await client.beta.assistants.create({ model, tools });
const thread = await client.beta.threads.create({
  messages: [scripted(...JSON.parse(process.env.SCRIPT))],
});
const stream = client.beta.threads.runs.stream(thread.id, { assistant_id: assistant.id });
for await (const event of stream) console.log(event.event);
const run = await stream.finalRun();
const messages = await stream.finalMessages();
const stored = await client.beta.threads.messages.list(thread.id, { run_id: run.id });
console.log(JSON.stringify({
  status: run.status,
  text: messages.at(-1).content[0].text.value,
  last: messages.at(-1).id,
  stored: stored.data.map((message) => message.id),
}));
