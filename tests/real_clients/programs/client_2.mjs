// The client of @modelcontextprotocol/client 2.x. It stands beside node_modules, where it is copied to.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { ask, capabilities, serve } from "./bridge.mjs";

const { era, where, hands } = JSON.parse(process.argv[2]);
const client = new Client(
  { name: "real-client", version: "2" },
  {
    capabilities: capabilities(hands),
    versionNegotiation: { mode: era === "2025-11-25" ? "legacy" : "auto" },
  },
);
if (hands.model !== "none") client.setRequestHandler("sampling/createMessage", ask);
if (hands.person) client.setRequestHandler("elicitation/create", ask);
const transport =
  typeof where === "string"
    ? new StreamableHTTPClientTransport(new URL(where))
    : new StdioClientTransport({ command: where[0], args: where.slice(1), env: process.env });
await client.connect(transport);
await serve(client, client.getNegotiatedProtocolVersion(), ({ name, arguments: given }, options) =>
  client.callTool({ name, arguments: given }, options),
);
