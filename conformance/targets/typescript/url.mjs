// Tools that need a secret of the person, and the page that takes it.
import { randomBytes } from "node:crypto";
import {
  inputRequired,
  inputResponse,
  UrlElicitationRequiredError,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { failure, text } from "./sampling.mjs";
import { ask } from "./state.mjs";

const PATIENCE = 5000;
const MESSAGE = "This tool needs your secret. You can give it at this page.";
const HTML = "<form method=post><label>Secret <input name=secret></label><button>Send</button>";

/** By the part of the address that cannot be guessed: `[person, account]`. */
const pages = new Map();
/** The pages that got their secret. */
const known = new Set();
/** What to do when a page gets its secret. */
const waiting = new Map();

function page(person, account) {
  for (const [name, errand] of pages) {
    if (errand[0] === person && errand[1] === account) return name;
  }
  const name = randomBytes(16).toString("base64url");
  pages.set(name, [person, account]);
  return name;
}

const caller = (ctx) => ctx.http?.authInfo?.clientId ?? "nobody";

function address(ctx, name) {
  const host = ctx.http?.req?.headers.get("host");
  return host ? `http://${host}/connect/${name}` : `https://conformance.example/connect/${name}`;
}

const told = (name) =>
  text(`${pages.get(name)[0]}: ${known.has(name) ? "connected" : "not connected"}`);

function round(ctx, name) {
  const answer = inputResponse(ctx.mcpReq.inputResponses, "page");
  if (answer.kind === "elicit" && answer.action !== "accept") return told(name);
  const url = address(ctx, name);
  return ask(ctx, { page: inputRequired.elicitUrl({ message: MESSAGE, url }) });
}

const legacy = (ctx) => ctx.mcpReq.envelope === undefined;

export function addUrlTools(server) {
  const params = (ctx, name) => ({
    mode: "url",
    message: MESSAGE,
    url: address(ctx, name),
    elicitationId: randomBytes(8).toString("hex"),
  });

  server.registerTool(
    "test_url_elicitation",
    { inputSchema: z.object({ account: z.string(), user: z.string().default("") }) },
    async ({ account }, ctx) => {
      const name = page(caller(ctx), account);
      if (known.has(name)) return told(name);
      if (!legacy(ctx)) return round(ctx, name);
      const asked = params(ctx, name);
      const tell = server.server.createElicitationCompletionNotifier(asked.elicitationId, {
        relatedRequestId: ctx.mcpReq.id,
      });
      const done = new Promise((resolve) => {
        waiting.set(name, [...(waiting.get(name) ?? []), () => tell().then(resolve)]);
      });
      const { action } = await ctx.mcpReq.elicitInput(asked);
      if (action === "accept") {
        await Promise.race([done, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
      }
      return told(name);
    },
  );

  server.registerTool(
    "test_url_elicitation_required",
    { inputSchema: z.object({ account: z.string() }) },
    async ({ account }, ctx) => {
      const name = page(caller(ctx), account);
      if (known.has(name)) return told(name);
      if (!legacy(ctx)) return round(ctx, name);
      if (!server.server.getClientCapabilities()?.elicitation?.url) {
        return failure("This tool needs a client that can send the person to a page");
      }
      const asked = params(ctx, name);
      waiting.set(name, [server.server.createElicitationCompletionNotifier(asked.elicitationId)]);
      throw new UrlElicitationRequiredError([asked]);
    },
  );
}

/** Show the form, or take the secret of the person who was sent here. */
export async function connect(request, authInfo) {
  const name = new URL(request.url).pathname.split("/").at(-1);
  if (!pages.has(name)) return new Response(null, { status: 404 });
  if ((authInfo?.clientId ?? "nobody") !== pages.get(name)[0]) {
    return new Response(null, { status: 403 });
  }
  if (request.method !== "POST") {
    return new Response(HTML, { headers: { "content-type": "text/html" } });
  }
  if (!(await request.formData()).get("secret")) return new Response(null, { status: 400 });
  known.add(name);
  const told = waiting.get(name) ?? [];
  waiting.delete(name);
  await Promise.allSettled(told.map((tell) => tell()));
  return new Response(null, { status: 204 });
}
