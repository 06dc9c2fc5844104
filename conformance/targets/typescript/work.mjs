// Tools that take a while: progress, and what a cancellation leaves behind. The SDK has no tasks.
import { setTimeout as sleep } from "node:timers/promises";
import { SdkErrorCode } from "@modelcontextprotocol/server";
import { z } from "zod";
import { prompted, text, texts } from "./sampling.mjs";

const STEP = 50;
const SPACING = 20;
const PATIENCE = 300;
const none = z.object({});

/** How each piece of slow work is, by its name; a server lives for one connection or request. */
const states = new Map();
const finished = [];

async function report(ctx, progress, total, message) {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return;
  const params = { progressToken, progress, total, message };
  await ctx.mcpReq.notify({ method: "notifications/progress", params });
}

export function addWorkTools(server) {
  const tool = (name, run, inputSchema = none) => server.registerTool(name, { inputSchema }, run);

  tool("test_tool_with_progress", async (_, ctx) => {
    for (const done of [0, 50, 100]) {
      await report(ctx, done, 100, `Completed step ${done} of 100`);
      await sleep(STEP);
    }
    return text(String(ctx.mcpReq._meta?.progressToken));
  });

  tool(
    "test_slow_work",
    async ({ name, seconds }, ctx) => {
      states.set(name, "working");
      try {
        for (let step = 1; step * STEP <= seconds * 1000; step += 1) {
          await report(ctx, step);
          await sleep(STEP, undefined, { signal: ctx.mcpReq.signal });
        }
        states.set(name, "done");
      } catch (error) {
        states.set(name, "stopped");
        throw error;
      }
      return text(`Done: ${name}`);
    },
    z.object({ name: z.string(), seconds: z.number().default(20) }),
  );

  tool(
    "test_work_state",
    async ({ name }) => {
      for (let waited = 0; waited < 1000 && states.get(name) === "working"; waited += 10) {
        await sleep(10);
      }
      return text(states.get(name) ?? "unknown");
    },
    z.object({ name: z.string() }),
  );

  tool(
    "test_busy_work",
    async ({ steps }, ctx) => {
      let last = 0;
      for (let step = 1; step <= steps; step += 1) {
        if (performance.now() - last >= SPACING) {
          last = performance.now();
          await report(ctx, step, steps);
        }
        await new Promise(setImmediate);
      }
      return text("Done");
    },
    z.object({ steps: z.number().int().default(1000) }),
  );

  const question = (prompt) => ({ messages: prompted(prompt), maxTokens: 100 });

  tool("test_impatient_sampling", async (_, ctx) => {
    const asked = question("Take your time");
    try {
      const answer = await ctx.mcpReq.requestSampling(asked, { timeout: PATIENCE });
      return text(texts(answer.content));
    } catch (error) {
      if (error.code !== SdkErrorCode.RequestTimeout) throw error;
      return text("Gave up");
    }
  });

  tool("test_watched_sampling", async (_, ctx) => {
    const onprogress = () => {};
    const answers = await Promise.all(
      ["One", "Two"].map((said) => ctx.mcpReq.requestSampling(question(said), { onprogress })),
    );
    return text(answers.map((answer) => texts(answer.content)).join("\n"));
  });

  tool("greet", ({ name }) => text(`Hello, ${name}!`), z.object({ name: z.string() }));

  tool(
    "slow_compute",
    async ({ seconds, label }, ctx) => {
      for (const step of [1, 2]) {
        await sleep(seconds * 500, undefined, { signal: ctx.mcpReq.signal });
        await report(ctx, step, 2);
      }
      finished.push(label);
      return text(`Computed ${label}`);
    },
    z.object({ seconds: z.number(), label: z.string().default("") }),
  );

  tool("finished_jobs", () => text(finished.join("\n")));
}
