// Tools that ask the client's model. Written once: the SDK turns rounds into requests for a client
// of 2025-11-25.
import { inputRequired, isSpecType } from "@modelcontextprotocol/server";
import { z } from "zod";
import { ask } from "./state.mjs";

const TURNS = 5;
const OFFERED = [
  {
    name: "get_weather",
    description: "The weather in a city",
    inputSchema: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
    },
  },
  {
    name: "get_time",
    description: "The time of day",
    inputSchema: { type: "object", properties: {} },
  },
];
const city = z.object({ city: z.string().refine((name) => name !== "Atlantis", "No weather there") });
const RUN = {
  get_weather: (input) => `Sunny in ${city.parse(input).city}`,
  get_time: () => "12:00",
};

export const text = (said) => ({ content: [{ type: "text", text: said }] });
export const failure = (said) => ({ ...text(said), isError: true });
export const blocks = (content) => (Array.isArray(content) ? content : [content]);
export const texts = (content) =>
  blocks(content)
    .filter((block) => block.type === "text")
    .map((block) => block.text)
    .join("\n");

export const user = (content) => ({ role: "user", content });
export const prompted = (said) => [user({ type: "text", text: said })];

/** The model's answer under a key; `undefined` if there is none yet. */
export function sampled(ctx, key) {
  const answer = ctx.mcpReq.inputResponses?.[key];
  if (answer === undefined) return undefined;
  if (isSpecType.CreateMessageResultWithTools(answer)) return answer;
  throw new Error(`The answer to ${key} is not well formed`);
}

function used(use) {
  const result = { type: "tool_result", toolUseId: use.id };
  try {
    if (!(use.name in RUN)) throw new Error(`There is no tool ${use.name}`);
    return { ...result, ...text(RUN[use.name](use.input)) };
  } catch (error) {
    return { ...result, ...failure(error.message) };
  }
}

export function addSamplingTools(server) {
  server.registerTool(
    "test_sampling",
    {
      description: "Ask the client's model one thing",
      inputSchema: z.object({ prompt: z.string().default("Say something") }),
    },
    async ({ prompt }, ctx) => {
      const answer = sampled(ctx, "model");
      if (answer) return text(`LLM response: ${texts(answer.content)}`);
      const model = inputRequired.createMessage({ messages: prompted(prompt), maxTokens: 100 });
      return ask(ctx, { model });
    },
  );

  server.registerTool(
    "test_sampling_tools",
    {
      description: "Let the client's model use tools until it is done",
      inputSchema: z.object({ prompt: z.string().default("What is the weather in Paris?") }),
    },
    async ({ prompt }, ctx) => {
      const state = ctx.mcpReq.requestState() ?? { turn: 0, messages: prompted(prompt) };
      let { turn, messages } = state;
      const answer = turn > 0 ? sampled(ctx, "model") : undefined;
      if (answer) {
        const uses = blocks(answer.content).filter((block) => block.type === "tool_use");
        if (uses.length === 0) return text(texts(answer.content));
        if (turn === TURNS) return failure(`The model still wants tools after ${TURNS} turns`);
        const assistant = { role: "assistant", content: answer.content };
        messages = [...messages, assistant, user(uses.map(used))];
      }
      if (answer || turn === 0) turn += 1;
      const choice = turn === TURNS ? { toolChoice: { mode: "none" } } : {};
      const asked = { messages, tools: OFFERED, maxTokens: 1000, ...choice };
      return ask(ctx, { model: inputRequired.createMessage(asked) }, { turn, messages });
    },
  );
}
