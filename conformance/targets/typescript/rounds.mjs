// Tools, and a prompt, that ask in rounds.
import { randomUUID } from "node:crypto";
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  inputResponse,
  MissingRequiredClientCapabilityError,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { failure, prompted, sampled, text, texts } from "./sampling.mjs";
import { ask, firstUse } from "./state.mjs";

const none = z.object({});
const named = z.object({ name: z.string() });
const colored = z.object({ color: z.string() });
const confirmed = z.object({ ok: z.boolean() });
const nameForm = () =>
  inputRequired.elicit({ message: "What is your name?", requestedSchema: named });
const question = (said, maxTokens = 100) =>
  inputRequired.createMessage({ messages: prompted(said), maxTokens });

/** What the person did with a form; `undefined` if there is no answer, or one that does not fit. */
function filled(ctx, key, schema) {
  const answer = inputResponse(ctx.mcpReq.inputResponses, key);
  if (answer.kind !== "elicit") return undefined;
  if (answer.action !== "accept") return { action: answer.action };
  const content = acceptedContent(ctx.mcpReq.inputResponses, key, schema);
  return content && { action: "accept", ...content };
}

function declared(server, ctx) {
  return ctx.mcpReq.envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? server.server.getClientCapabilities();
}

export function addRoundTools(server) {
  const tool = (name, run, inputSchema = none) =>
    server.registerTool(name, { inputSchema }, run);

  tool("test_input_required_result_elicitation", async (_, ctx) => {
    const answer = filled(ctx, "user_name", named);
    if (!answer) return ask(ctx, { user_name: nameForm() });
    return text(`Hello, ${answer.name ?? "nobody"}!`);
  });

  tool("test_input_required_result_sampling", async (_, ctx) => {
    const answer = sampled(ctx, "capital_question");
    if (answer) return text(`Sampling result: ${texts(answer.content)}`);
    return ask(ctx, { capital_question: question("What is the capital of France?") });
  });

  tool("test_input_required_result_list_roots", async (_, ctx) => {
    const answer = inputResponse(ctx.mcpReq.inputResponses, "client_roots");
    if (answer.kind === "roots") return text(`Found ${answer.roots.length} root(s)`);
    return ask(ctx, { client_roots: inputRequired.listRoots() });
  });

  for (const [name, prefix] of [
    ["test_input_required_result_request_state", "state-ok"],
    ["test_input_required_result_tampered_state", "integrity-ok"],
  ]) {
    tool(name, async (_, ctx) => {
      const answer = ctx.mcpReq.requestState() && filled(ctx, "confirm", confirmed);
      if (answer) return text(`${prefix}: action=${answer.action}`);
      return ask(ctx, { confirm: confirm() }, { step: "confirm" });
    });
  }

  tool("test_input_required_result_multiple_inputs", async (_, ctx) => {
    const state = ctx.mcpReq.requestState();
    const known = { ...state };
    if (state) {
      const { inputResponses } = ctx.mcpReq;
      const roots = inputResponse(inputResponses, "client_roots");
      known.user_name ??= filled(ctx, "user_name", named);
      known.greeting ??= sampled(ctx, "greeting");
      known.client_roots ??= roots.kind === "roots" ? roots.roots : undefined;
    }
    const all = {
      user_name: nameForm(),
      greeting: question("Generate a greeting", 50),
      client_roots: inputRequired.listRoots(),
    };
    const missing = Object.entries(all).filter(([key]) => known[key] === undefined);
    if (missing.length > 0) return ask(ctx, Object.fromEntries(missing), known);
    const { user_name: user, greeting, client_roots: roots } = known;
    const said = texts(greeting.content);
    return text(`Name: ${user.name ?? "nobody"}; Greeting: ${said}; Roots: ${roots.length}`);
  });

  tool(
    "test_input_required_result_multi_round",
    async ({ seconds }, ctx) => {
      const state = ctx.mcpReq.requestState();
      let name = state?.name;
      if (state?.step === "name") {
        const answer = filled(ctx, "step1", named);
        if (answer) name = answer.name ?? "nobody";
      }
      if (name === undefined) return ask(ctx, { step1: nameForm() }, { step: "name" }, seconds);
      const color = state?.step === "color" ? filled(ctx, "step2", colored) : undefined;
      if (color) {
        return text(`Multi-round complete for ${name} who likes ${color.color ?? "nobody"}`);
      }
      const message = "Step 2: What is your favorite color?";
      const step2 = inputRequired.elicit({ message, requestedSchema: colored });
      return ask(ctx, { step2 }, { step: "color", name }, seconds);
    },
    z.object({ seconds: z.number().default(600) }),
  );

  tool("test_input_required_result_capabilities", async (_, ctx) => {
    const { elicitation, sampling } = declared(server, ctx) ?? {};
    const asked = {};
    if (elicitation && (elicitation.form || !elicitation.url)) {
      const requestedSchema = z.object({ value: z.string() });
      asked.elicit_input = inputRequired.elicit({ message: "Elicitation input", requestedSchema });
    }
    if (sampling) asked.sample_input = question("Sample request", 50);
    const wanted = Object.keys(asked);
    if (wanted.length === 0) return text("No supported capabilities declared");
    const given = ctx.mcpReq.requestState() ? (ctx.mcpReq.inputResponses ?? {}) : {};
    const missing = wanted.filter((key) => !(key in given));
    if (missing.length > 0) return ask(ctx, asked, { asked: wanted });
    return text(`capabilities-ok: received ${wanted.join(",")}`);
  });

  tool("test_redeem_once", async (_, ctx) => {
    const state = ctx.mcpReq.requestState();
    if (!state || !filled(ctx, "confirm", confirmed)) {
      return ask(ctx, { confirm: confirm() }, { id: state?.id ?? randomUUID() });
    }
    return firstUse(state.id) ? text("Redeemed") : failure("This was redeemed before");
  });

  tool("test_missing_capability", async (_, ctx) => {
    if (declared(server, ctx)?.sampling) return text("Success");
    throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } });
  });

  server.registerPrompt("test_input_required_result_prompt", {}, async (ctx) => {
    const schema = z.object({ context: z.string() });
    const answer = filled(ctx, "user_context", schema);
    const message = "What context should the prompt use?";
    if (!answer) {
      return ask(ctx, { user_context: inputRequired.elicit({ message, requestedSchema: schema }) });
    }
    const said = `Prompt with context: ${answer.context ?? "none"}`;
    return { messages: [{ role: "user", content: { type: "text", text: said } }] };
  });
}

const confirm = () =>
  inputRequired.elicit({ message: "Please confirm", requestedSchema: confirmed });
