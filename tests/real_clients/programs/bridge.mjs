// The other end of bridge.py, for both TypeScript SDKs: they differ in how a client is made.
import { createInterface } from "node:readline";

const write = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const answers = new Map();
let asked = 0;

/** Pass a question of the server to the driver, and wait for its answer. */
export function ask(request) {
  const key = ++asked;
  write({ ask: key, method: request.method, params: request.params });
  return new Promise((resolve) => answers.set(key, resolve));
}

/** What the application behind the client can do, as the protocol declares it. */
export function capabilities({ model, person }) {
  return {
    ...(model === "none" ? {} : { sampling: model === "tools" ? { tools: {} } : {} }),
    ...(person ? { elicitation: {} } : {}),
  };
}

/** Serve the driver with a connected client until it has nothing more to ask. */
export async function serve(client, version, call) {
  write({ ready: version });
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line);
    if ("answer" in message) {
      answers.get(message.answer)(message.result);
      answers.delete(message.answer);
      continue;
    }
    const { id } = message;
    const work = message.list
      ? client.listTools().then((listed) => listed.tools)
      : call(message.call, options(id, message.call));
    work.then(
      (result) => write({ id, result }),
      (error) => write({ id, error: `${error.name}: ${error.message}` }),
    );
  }
  await client.close();
}

function options(id, { progress, timeout }) {
  if (!progress) return {};
  return {
    onprogress: () => write({ id, beat: true }),
    resetTimeoutOnProgress: true,
    ...(timeout == null ? {} : { timeout }),
  };
}
