// Asks a question, answers the function call of the model, and prints what comes as it comes.
//
// UNDERSTUDY_TARGET=127.0.0.1:50051 UNDERSTUDY_API_KEY=sk-... node dist/examples/ask.js "What is the weather in Bern?"
import { connect, follow } from "understudy-client";
import { MessageRole } from "understudy-client/v1/message";

const PARAMETERS = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
};

function weather({ city }: { city: string }): string {
  console.log(`call: weather in ${city}`);
  return `18 degrees and sunny in ${city}`;
}

const question = process.argv.slice(2).join(" ") || "What is the weather in Bern?";
const client = connect(process.env.UNDERSTUDY_TARGET ?? "127.0.0.1:50051", { apiKey: process.env.UNDERSTUDY_API_KEY });
try {
  const parameters = Buffer.from(JSON.stringify(PARAMETERS));
  const weatherTool = { name: "weather", description: "The weather in a city.", parameters };
  const assistant = await client.assistants.createAssistant({
    model: "demo/demo",
    tools: [{ tool: { case: "function", value: weatherTool } }],
  });
  console.log(`question: ${question}`);
  const thread = await client.assistants.createThread({
    messages: [{ role: MessageRole.USER, content: { content: { case: "text", value: question } } }],
  });
  const run = await client.assistants.createRun({ threadId: thread.id, assistantId: assistant.id });
  for await (const { event } of follow(client, run, { functions: { weather } })) {
    switch (event.case) {
      case "messageCreated":
        process.stdout.write("answer: ");
        break;
      case "messageDelta":
        for (const { part } of event.value.delta?.content ?? []) {
          if (part.case === "text") process.stdout.write(part.value.value);
        }
        break;
      case "messageCompleted":
      case "messageIncomplete":
        console.log();
        break;
      case "runCompleted":
        console.log("status: completed");
        break;
      case "runIncomplete":
        console.log("status: incomplete");
        break;
      case "runFailed":
        console.log(`status: failed: ${event.value.lastError?.message}`);
        break;
      case "runCancelled":
        console.log("status: cancelled");
        break;
      case "runExpired":
        console.log("status: expired");
        break;
    }
  }
} finally {
  client.close();
}
