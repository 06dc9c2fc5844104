// A server on @modelcontextprotocol/server 2.x: `serve.mjs [--http PORT]`, otherwise on pipes.
// Clients of 2025-11-25 have sessions, those of 2026-07-28 do not need any.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import {
  createMcpHandler,
  isLegacyRequest,
  McpServer,
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { addPersonTools } from "./person.mjs";
import { addRoundTools } from "./rounds.mjs";
import { addSamplingTools } from "./sampling.mjs";
import { verify } from "./state.mjs";
import { addUrlTools, connect } from "./url.mjs";
import { addWorkTools } from "./work.mjs";

const PEOPLE = ["alice", "bob"];

function build() {
  const server = new McpServer(
    { name: "typescript-sdk", version: "1.0.0" },
    { requestState: { verify } },
  );
  addSamplingTools(server);
  addPersonTools(server);
  addUrlTools(server);
  addRoundTools(server);
  addWorkTools(server);
  return server;
}

/** Whoever comes with `Authorization: Bearer alice` is Alice; nobody has to come with a token. */
const gate = requireBearerAuth({
  verifier: {
    async verifyAccessToken(token) {
      if (!PEOPLE.includes(token)) throw new OAuthError(OAuthErrorCode.InvalidToken, "Who is it?");
      return { token, clientId: token, scopes: [], expiresAt: Date.now() / 1000 + 3600 };
    },
  },
});

const sessions = new Map();

async function legacy(request, authInfo) {
  const known = sessions.get(request.headers.get("mcp-session-id"));
  if (known) return known.handleRequest(request, { authInfo });
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => sessions.set(id, transport),
  });
  transport.onclose = () => sessions.delete(transport.sessionId);
  await build().connect(transport);
  return transport.handleRequest(request, { authInfo });
}

const modern = createMcpHandler(build, { legacy: "reject" });

async function fetch(request) {
  const authInfo = request.headers.has("authorization") ? await gate(request) : undefined;
  if (authInfo instanceof Response) return authInfo;
  if (new URL(request.url).pathname.startsWith("/connect/")) return connect(request, authInfo);
  return (await isLegacyRequest(request))
    ? legacy(request, authInfo)
    : modern.fetch(request, { authInfo });
}

if (process.argv[2] === "--http") {
  createServer(toNodeHandler({ fetch })).listen(Number(process.argv[3]), "127.0.0.1");
} else {
  serveStdio(build);
}
