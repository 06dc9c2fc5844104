// Tools that ask the person. Answers are validated with the schema of the question.
import { fromJsonSchema, inputRequired, inputResponse } from "@modelcontextprotocol/server";
import { z } from "zod";
import { failure, text } from "./sampling.mjs";
import { ask } from "./state.mjs";

const OPTIONS = ["option1", "option2", "option3"];
const TITLED = ["First", "Second", "Third"].map((title, at) => ({ const: `value${at + 1}`, title }));
const MANY = { type: "array", minItems: 1, maxItems: 3 };

const form = (properties, required = []) => ({ type: "object", properties, required });

const CONTACT = form(
  {
    username: { type: "string", description: "Your name" },
    email: { type: "string", format: "email", description: "Your email address" },
  },
  ["username", "email"],
);
const PREFILLED = form({
  name: { type: "string", default: "John Doe" },
  age: { type: "integer", default: 30 },
  score: { type: "number", default: 95.5 },
  status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
  verified: { type: "boolean", default: true },
});
const CHOICES = form({
  untitledSingle: { type: "string", enum: OPTIONS },
  titledSingle: { type: "string", oneOf: TITLED },
  legacyEnum: {
    type: "string",
    enum: ["opt1", "opt2", "opt3"],
    enumNames: ["Option One", "Option Two", "Option Three"],
  },
  untitledMulti: { ...MANY, items: { type: "string", enum: OPTIONS } },
  titledMulti: { ...MANY, items: { anyOf: TITLED } },
});

async function misfit(schema, content) {
  const validated = await fromJsonSchema(schema)["~standard"].validate(content ?? {});
  return validated.issues?.map((issue) => issue.message).join("; ");
}

async function asked(ctx, begins, message, requestedSchema) {
  const { requestState, inputResponses } = ctx.mcpReq;
  const answer = inputResponse(requestState() && inputResponses, "person");
  if (answer.kind !== "elicit") {
    return ask(ctx, { person: inputRequired.elicit({ message, requestedSchema }) }, "asked");
  }
  const wrong = answer.action === "accept" && (await misfit(requestedSchema, answer.content));
  if (wrong) return failure(`The answer does not fit the form: ${wrong}`);
  const content = JSON.stringify(answer.content ?? null);
  return text(`${begins}: action=${answer.action}, content=${content}`);
}

export function addPersonTools(server) {
  server.registerTool(
    "test_elicitation",
    { inputSchema: z.object({ message: z.string().default("Who are you?") }) },
    ({ message }, ctx) => asked(ctx, "User response", message, CONTACT),
  );
  server.registerTool(
    "test_elicitation_sep1034_defaults",
    { inputSchema: z.object({}) },
    (_, ctx) => asked(ctx, "Elicitation completed", "Is this right?", PREFILLED),
  );
  server.registerTool(
    "test_elicitation_sep1330_enums",
    { inputSchema: z.object({}) },
    (_, ctx) => asked(ctx, "Elicitation completed", "What do you choose?", CHOICES),
  );
}
