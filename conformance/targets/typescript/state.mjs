// What travels through the client between two rounds, sealed by the SDK; and how a tool asks.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRequestStateCodec, inputRequired } from "@modelcontextprotocol/server";

/** Where to keep what shall survive the process, if the suite said where. */
const folder = process.env.MCP_CONFORMANCE_STATE;

// As the SDK's documentation binds it: to the method and to the person.
const bind = (ctx) => `${ctx.mcpReq.method}\0${ctx.http?.authInfo?.clientId ?? ""}`;
const secret = key();
const codec = createRequestStateCodec({ key: secret, bind });

export const verify = codec.verify;

/** Ask the client, and carry a payload to the next round. */
export async function ask(ctx, inputRequests, payload, ttlSeconds) {
  if (payload === undefined) return inputRequired({ inputRequests });
  const seal = ttlSeconds ? createRequestStateCodec({ key: secret, bind, ttlSeconds }) : codec;
  return inputRequired({ inputRequests, requestState: await seal.mint(payload, ctx) });
}

const used = new Set();

/** Use something, and tell whether that was for the first time in any process. */
export function firstUse(name) {
  if (!folder) return !used.has(name) && used.add(name);
  try {
    writeFileSync(join(folder, `used-${name}`), "", { flag: "wx" });
    return true;
  } catch {
    return false;
  }
}

function key() {
  if (!folder) return randomBytes(32);
  const file = join(folder, "key");
  mkdirSync(folder, { recursive: true });
  if (!existsSync(file)) writeFileSync(file, randomBytes(32));
  return readFileSync(file);
}
