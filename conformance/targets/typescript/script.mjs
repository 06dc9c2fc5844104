// The model and the person of the client contract: they do what the question itself says. It is left
// to the SDK to refuse what the protocol forbids.
import { setTimeout as sleep } from "node:timers/promises";
import { fromJsonSchema, ProtocolError } from "@modelcontextprotocol/client";

/** Requests with tools that one call of a tool may make. */
const MOST = 25;

const blocks = (message) => [message.content].flat();

/** What the model does now: the directive has one step for each of its messages after it. */
function step(messages) {
  let answered = 0;
  for (const message of messages.toReversed()) {
    if (message.role === "assistant") {
      answered += 1;
      continue;
    }
    const said = blocks(message).findLast((block) => block.type === "text");
    if (said) return JSON.parse(said.text)[answered] ?? { say: "That is all." };
  }
  return { say: "I was told nothing." };
}

export class Script {
  #asked = 0;

  /** A tool is called: what is asked from now on belongs to it. */
  begin() {
    this.#asked = 0;
  }

  async message({ messages, tools, toolChoice, maxTokens }) {
    this.#asked += tools ? 1 : 0;
    if (this.#asked > MOST) throw new ProtocolError(-1, "These are too many questions.");
    const now = step(messages);
    await sleep((now.think ?? 0) * 1000);
    if (now.reject) throw new ProtocolError(-1, "The person rejected the sampling request.");
    const offered = (tools ?? []).map((tool) => tool.name);
    let uses = (now.use ?? []).filter((use) => offered.includes(use.name));
    if (toolChoice?.mode === "required" && uses.length === 0 && offered.length > 0) {
      uses = [{ name: offered[0], input: {} }];
    }
    const answer = { role: "assistant", model: "script" };
    if (uses.length > 0 && toolChoice?.mode !== "none") {
      const id = (at) => `use-${messages.length}-${at}`;
      const content = uses.map((use, at) => ({ type: "tool_use", id: id(at), ...use }));
      return { ...answer, content, stopReason: "toolUse" };
    }
    const said = now.count ? String(messages.length) : (now.say ?? "I have no tools.");
    const words = said.split(/\s+/);
    const cut = words.length > maxTokens;
    const text = cut ? words.slice(0, maxTokens).join(" ") : said;
    const stopReason = cut ? "maxTokens" : "endTurn";
    return { ...answer, content: { type: "text", text }, stopReason };
  }

  async form({ mode, message, requestedSchema }) {
    const act = JSON.parse(message);
    await sleep((act.think ?? 0) * 1000);
    if (act.action !== "accept" || mode === "url") return { action: act.action };
    const fields = Object.entries(requestedSchema.properties);
    const shown = fields.filter(([, field]) => "default" in field);
    const defaults = Object.fromEntries(shown.map(([name, field]) => [name, field.default]));
    const content = { ...defaults, ...act.content };
    const { issues } = await fromJsonSchema(requestedSchema)["~standard"].validate(content);
    // The form does not let the person send this off; what is left is to close it.
    return issues ? { action: "cancel" } : { action: "accept", content };
  }
}
