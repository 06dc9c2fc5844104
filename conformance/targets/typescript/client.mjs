// A client on @modelcontextprotocol/client 2.x, as CLIENT_CONTRACT.md wants it: `client.mjs URL`.
// The SDK has no tasks.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Script } from "./script.mjs";

const { without = [] } = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? "{}");
const legacy = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION === "2025-11-25";

const capabilities = { sampling: { tools: {} }, elicitation: { form: {}, url: {} }, roots: {} };
for (const path of without) {
  const names = path.split(".");
  const last = names.pop();
  delete names.reduce((inside, name) => inside?.[name] ?? {}, capabilities)[last];
}

const script = new Script();
const client = new Client(
  { name: "typescript-sdk", version: "1.0.0" },
  {
    capabilities,
    versionNegotiation: { mode: legacy ? "legacy" : "auto" },
  },
);
const progress = (ctx, done) => {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  const params = { progressToken, progress: done, total: 2, message: "Thinking." };
  return ctx.mcpReq.notify({ method: "notifications/progress", params });
};
if (capabilities.sampling) {
  client.setRequestHandler("sampling/createMessage", async ({ params }, ctx) => {
    await progress(ctx, 1);
    const answer = await script.message(params);
    await progress(ctx, 2);
    return answer;
  });
}
if (capabilities.elicitation) {
  client.setRequestHandler("elicitation/create", ({ params }) => script.form(params));
}
if (capabilities.roots) {
  client.setRequestHandler("roots/list", () => ({ roots: [{ uri: "file:///w" }] }));
}

/** Call one tool. Whatever comes of it, the next one is called. */
async function call({ name }) {
  script.begin();
  const controller = new AbortController();
  const onprogress = () => {
    if (name.startsWith("cancel_")) controller.abort("Given up");
  };
  const options = { onprogress, signal: controller.signal };
  if (name.startsWith("timeout_")) options.timeout = 1000;
  try {
    await client.callTool({ name, arguments: {} }, options);
  } catch (error) {
    console.error(`${name}: ${error}`);
  }
}

await client.connect(new StreamableHTTPClientTransport(new URL(process.argv.at(-1))));
if (client.getServerCapabilities()?.tools) {
  const { tools } = await client.listTools();
  let together = [];
  for (const [at, tool] of tools.entries()) {
    together.push(tool);
    const more = [tool, tools[at + 1]].every((one) => one?.name.startsWith("together_"));
    if (more) continue;
    await Promise.all(together.map(call));
    together = [];
  }
}
await client.close();
