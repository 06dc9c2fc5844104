// The client of @modelcontextprotocol/sdk 1.x. It stands beside node_modules, where it is copied to.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { ask, capabilities, serve } from "./bridge.mjs";

const { where, hands } = JSON.parse(process.argv[2]);
const client = new Client(
  { name: "real-client", version: "1" },
  { capabilities: capabilities(hands) },
);
if (hands.model !== "none") client.setRequestHandler(CreateMessageRequestSchema, ask);
if (hands.person) client.setRequestHandler(ElicitRequestSchema, ask);
let version;
const transport =
  typeof where === "string"
    ? new StreamableHTTPClientTransport(new URL(where))
    : new StdioClientTransport({ command: where[0], args: where.slice(1), env: process.env });
transport.setProtocolVersion = ((set) => (negotiated) => {
  version = negotiated;
  set?.(negotiated);
})(transport.setProtocolVersion?.bind(transport));
await client.connect(transport);
await serve(client, version, ({ name, arguments: given }, options) =>
  client.callTool({ name, arguments: given }, undefined, options),
);
