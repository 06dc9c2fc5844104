/* The card of an MCP Apps host: shows the questions of a tool result and sends the answers.
 *
 * Speaks JSON-RPC with window.parent and with nobody else. The questions come in the result's
 * _meta["inverted/ask"], which the model does not see; each answer is a call of the tool
 * answer_card. Text from outside becomes text nodes only. The form has the rules of fields.py and
 * form.py; the server checks every answer again.
 *
 * No <form>: a sandbox without allow-forms would swallow its submit event.
 *
 * Source: MCP Apps (SEP-1865), specification 2026-01-26.
 */

const card = document.getElementById("card");
const showNote = (text) => card.replaceChildren(make("p", { role: "status" }, text));

// -- the host -----------------------------------------------------------------------------------

const PATIENCE = 60_000;  // milliseconds for the host to answer a request
const waiting = new Map();
let lastId = 0;
let capabilities = {};

const post = (message) => window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
const notify = (method, params = {}) => post({ method, params });

function request(method, params) {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      waiting.delete(id);
      reject(new Error("the host does not respond"));
    }, PATIENCE);
    waiting.set(id, { resolve, reject, timer });
    post({ id, method, params });
  });
}

const handlers = {
  "ui/notifications/tool-result": (result) => showResult(result ?? {}),
  "ui/notifications/tool-cancelled": () => showNote("The call was cancelled. There is nothing to answer."),
  "ui/notifications/host-context-changed": (context) => adapt(context ?? {}),
  "ui/resource-teardown": () => ({}),
  ping: () => ({}),
};

window.addEventListener("message", ({ source, data }) => {
  if (source !== window.parent || data?.jsonrpc !== "2.0") return;
  if (typeof data.method === "string") {
    const known = Object.hasOwn(handlers, data.method);
    const result = known ? handlers[data.method](data.params) : undefined;
    if (data.id === undefined) return;
    post(known ? { id: data.id, result: result ?? {} }
      : { id: data.id, error: { code: -32601, message: "Method not found" } });
  } else if (waiting.has(data.id)) {
    const { resolve, reject, timer } = waiting.get(data.id);
    waiting.delete(data.id);
    clearTimeout(timer);
    if (data.error) reject(new Error(String(data.error.message ?? "the host refused")));
    else resolve(data.result ?? {});
  }
});

/** The host's theme and font. Colours stay ours, so that contrast does. */
function adapt(context) {
  const root = document.documentElement;
  if (["light", "dark"].includes(context.theme)) root.style.colorScheme = context.theme;
  const font = context.styles?.variables?.["--font-sans"];
  if (font) document.body.style.fontFamily = String(font);
}

async function start() {
  if (window.parent === window) return showNote("This card works inside of an MCP Apps host only.");
  try {
    const host = await request("ui/initialize", {
      appInfo: { name: "inverted-answer", version: "1" },
      appCapabilities: { availableDisplayModes: ["inline"] },
      protocolVersion: "2026-01-26",
    });
    capabilities = host.hostCapabilities ?? {};
    adapt(host.hostContext ?? {});
    notify("ui/notifications/initialized");
    new ResizeObserver(() => notify("ui/notifications/size-changed", {
      width: Math.ceil(document.body.offsetWidth), height: Math.ceil(document.body.offsetHeight),
    })).observe(document.body);
  } catch (error) {
    showNote(`The card could not start: ${error.message}.`);
  }
}

// -- a question ---------------------------------------------------------------------------------

const WORDS = {
  decline: "Decline: you do not want to answer this.",
  cancel: "Cancel: you leave the question without an answer.",
};
const GONE = {
  answered: "Already answered. Nothing was changed.",
  withdrawn: "Not asked any more. Nothing was recorded.",
  ended: "The run has ended. Nothing was recorded.",
  expired: "This card has expired. Nothing was recorded. Let the agent continue: it will ask again.",
  unknown: "The server does not know this question any more. Nothing was recorded. Let the agent continue: it will ask again.",
  stopping: "The server is stopping. Nothing was recorded. When it runs again, let the agent continue: it will ask again.",
};

function buttonsOf(fields) {
  const [first] = fields;
  if (fields.length === 1 && first.name === "ok" && first.part.default === true) {
    return { plain: true, buttons: [["accept", "OK"], ["decline", "Decline"], ["cancel", "Cancel"]] };
  }
  if (fields.length === 1 && first.kind === "boolean" && first.required) {
    const approval = first.title === "Approve";
    return {
      plain: true,
      buttons: approval ? [["yes", "Approve"], ["no", "Deny"], ["cancel", "Cancel"]]
        : [["yes", "Yes"], ["no", "No"], ["decline", "Decline"], ["cancel", "Cancel"]],
    };
  }
  return { plain: false, buttons: [["accept", "Submit"], ["decline", "Decline"], ["cancel", "Cancel"]] };
}

const LONGEST_LEAD = 200;  // characters of a first paragraph that still is a heading

function leadOf(message) {
  const whole = message.replaceAll("\r\n", "\n").trim();
  const [lead] = whole.split("\n\n", 1);
  const fits = lead && [...lead].length <= LONGEST_LEAD;
  return fits ? [lead, whole.slice(lead.length).replace(/^\n+/, "")] : ["A question for you", whole];
}

function drawQuestion(ask, question, number, settled) {
  const prefix = `q${number}`;
  const fields = fieldsOf(question.requestedSchema ?? {});
  const { plain, buttons } = buttonsOf(fields);
  const [lead, details] = leadOf(String(question.message ?? ""));
  const rows = plain ? [] : fields.map((field, index) => drawField(field, `${prefix}f${index}`));
  const summary = make("div", { class: "summary", role: "alert", tabindex: "-1", hidden: true });
  const status = make("p", { class: "done", role: "status", tabindex: "-1" });
  const told = buttons.map(([value]) => WORDS[value]).filter(Boolean).join(" ");
  let busy = false;

  const row = make("div", { class: "buttons" }, ...buttons.map(([value, label]) => {
    const button = make("button", { type: "button", class: value === "accept" ? "main" : undefined }, label);
    button.addEventListener("click", () => send(value, label));
    return button;
  }));
  const parts = plain ? plainWords(fields[0]) : rows.map((one) => one.element);
  const form = make("div", { role: "form", "aria-labelledby": `${prefix}-question` }, ...parts, row, make("p", { class: "hint" }, told));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing && event.target.matches("input")) {
      event.preventDefault();
      send("accept", "Submit");
    }
  });

  /** Shows what is wrong; what was typed stays. */
  function complain(problems) {
    const wrong = ({ field }) => (Object.hasOwn(problems, field.name) ? shown(problems[field.name]) : "");
    for (const one of rows) one.tell(wrong(one));
    const lines = rows.filter(wrong).map((one) => {
      const link = make("a", { href: `#${one.id}` }, `${shown(one.field.title)}: ${wrong(one)}`);
      link.addEventListener("click", (event) => {
        event.preventDefault();
        document.getElementById(one.id).focus();
      });
      return make("li", {}, link);
    });
    if (problems[""]) lines.unshift(said("li", problems[""]));
    summary.hidden = lines.length === 0;
    summary.replaceChildren(make("b", {}, "This answer could not be sent"), make("ul", {}, ...lines));
    if (lines.length) summary.focus();
  }

  /** The answer that a button stands for. */
  function answer(pressed) {
    if (pressed === "decline" || pressed === "cancel") return { action: pressed };
    if (plain) return { action: "accept", content: { [fields[0].name]: pressed !== "no" } };
    const content = Object.create(null);  // a field may be called __proto__
    const problems = Object.create(null);
    for (const { field, typed } of rows) {
      try {
        const value = readField(field, typed());
        if (value !== undefined) content[field.name] = value;
      } catch (error) {
        if (!(error instanceof Unfit)) throw error;
        problems[field.name] = error.message;
      }
    }
    return { action: "accept", content, problems };
  }

  async function send(pressed, label) {
    if (busy) return;
    const { problems = {}, ...result } = answer(pressed);
    complain(problems);
    if (Object.keys(problems).length) return;
    busy = true;
    for (const button of row.children) button.setAttribute("aria-disabled", "true");
    status.textContent = "Sending …";
    const found = await deliver(ask.tool, { token: ask.token, question: question.id, ...result });
    busy = false;
    for (const button of row.children) button.removeAttribute("aria-disabled");
    if (found.problems) {
      status.textContent = "";
      complain(found.problems);
      return;
    }
    const recorded = found.state === "recorded";
    form.remove();
    status.classList.toggle("problem", !recorded);
    status.textContent = recorded ? `Recorded: ${label}` : GONE[found.state];
    status.focus();
    settled(recorded);
  }

  return make("section", { "aria-labelledby": `${prefix}-question` },
    said("h2", lead, { id: `${prefix}-question` }),
    details && said("div", details, { class: "details", tabindex: "0", role: "group", "aria-label": "Details" }),
    summary, form, status);
}

/** The words of a field whose buttons stand for it. */
function plainWords({ title, part }) {
  const telling = !["Approve", "OK", "Your answer"].includes(title);
  return [telling && said("p", title, { class: "label" }), part.description && said("p", part.description, { class: "hint" })];
}

/** Passes an answer to the server: the state that it is in then, or what is wrong with it. */
async function deliver(tool, call) {
  let result;
  try {
    result = await request("tools/call", { name: tool ?? "answer_card", arguments: call });
  } catch (error) {
    return { problems: { "": `The answer could not be passed on: ${error.message}. Try again.` } };
  }
  const { state, problems } = result.structuredContent ?? {};
  if (Object.hasOwn(GONE, state)) return { state };
  if (problems && Object.keys(problems).length) return { problems };
  if (!result.isError && (state ?? "recorded") === "recorded") return { state: "recorded" };
  const words = (result.content ?? []).flatMap((one) => (one.type === "text" ? [one.text] : [])).join("\n");
  return { problems: { "": words || "The server did not take this answer. Try again." } };
}

// -- the card -----------------------------------------------------------------------------------

function showResult(result) {
  const ask = result._meta?.["inverted/ask"];
  if (!ask?.questions?.length) return showNote("There is nothing to answer here.");
  let left = ask.questions.length;
  let recorded = false;
  const end = make("p", { role: "status" });
  const settled = (taken) => {
    left -= 1;
    recorded ||= taken;
    if (left === 0 && recorded) tellModel(ask, end);
  };
  const asks = make("p", { class: "asks" }, "The server ", said("b", ask.server ?? ""), " asks you. Its agent: ", said("b", ask.agent ?? ""));
  card.replaceChildren(asks, ...ask.questions.map((one, number) => drawQuestion(ask, one, number, settled)), end);
}

/** Lets the model go on, in the way that the host knows. */
async function tellModel(ask, end) {
  if (!ask.then) return;
  const content = [{ type: "text", text: String(ask.then) }];
  const ways = [
    ["message", "ui/message", { role: "user", content }, "The assistant continues."],
    ["updateModelContext", "ui/update-model-context", { content }, "The assistant knows it with your next message."],
  ];
  for (const [capability, method, params, words] of ways) {
    try {
      if (capabilities[capability] && !(await request(method, params)).isError) {
        end.textContent = words;
        return;
      }
    } catch {
      // The host refused this way; the next one may do.
    }
  }
  end.textContent = `To continue, tell the assistant: ${shown(ask.then)}`;
}

start();
