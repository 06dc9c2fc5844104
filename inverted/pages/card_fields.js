/* The fields of a form on the card: their rules, their controls, and what was typed into them.
 *
 * The rules are those of fields.py; the same cases test both. Used by card.js.
 */

// -- elements -----------------------------------------------------------------------------------

// The same marks as in shell.py: they would make text look like other text.
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/gu;
const shown = (text) => String(text).replaceAll("\r\n", "\n").replace(UNSAFE, "\ufffd");

/** An element. Attributes that are undefined or false are left out; strings become text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child));
  return element;
}

const said = (tag, text, attributes = {}) => make(tag, { dir: "auto", ...attributes }, shown(text));
const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);

// -- rules ---------------------------------------------------------------------------------------

const FORMATS = {
  email: "an email address, for example name@example.org",
  uri: "an address, for example https://example.org/page",
  date: "a date, for example 2026-07-28",
  "date-time": "a date and time with its zone, for example 2026-07-28T09:30:00Z",
};
const MOMENT = /^(\d{4}-\d{2}-\d{2})[Tt ]((?:[01]\d|2[0-3]):[0-5]\d)(:[0-5]\d(?:\.\d{1,9})?)? ?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const MOST_RADIOS = 7;
const LONGEST_LINE = 100;

class Unfit extends Error {}

function fieldsOf(schema) {
  const required = schema.required ?? [];
  return Object.entries(schema.properties ?? {}).map(([name, part]) => {
    const listed = part.type === "array" ? part.items ?? {} : part;
    const options = listed.oneOf ?? listed.anyOf ?? listed.enum?.map((value) => ({ const: value }));
    const choices = part.type === "boolean" ? [[true, "Yes"], [false, "No"]]
      : options?.map((one) => [one.const, one.title ?? one.const]);
    const kind = part.type === "array" ? "many" : choices && part.type === "string" ? "one" : part.type;
    const title = name === "value" && part.title === "Value" ? "Your answer" : part.title || name;
    const field = { name, part, kind, choices, title, required: required.includes(name) };
    field.format = kind === "string" && Object.hasOwn(FORMATS, part.format) ? part.format : undefined;
    field.start = startOf(field);
    return field;
  });
}

/** What the controls hold at first: text, or the numbers of the choices. */
function startOf({ part, choices }) {
  if (part.default === undefined || part.default === null) return [];
  if (!choices) return [String(part.default)];
  const chosen = [part.default].flat();
  return choices.flatMap(([value], number) => (chosen.includes(value) ? [String(number)] : []));
}

const count = (number, noun) => (noun ? `${number} ${noun}${number === 1 ? "" : "s"}` : `${number}`);

function range(low, high, noun) {
  if (low !== undefined && high !== undefined) return [`from ${low} to ${count(high, noun)}`];
  if (low !== undefined) return [`at least ${count(low, noun)}`];
  return high === undefined ? [] : [`at most ${count(high, noun)}`];
}

function checkRange(number, low, high, noun) {
  const verb = noun ? "have" : "be";
  if (low !== undefined && number < low) throw new Unfit(`must ${verb} at least ${count(low, noun)}`);
  if (high !== undefined && number > high) throw new Unfit(`must ${verb} at most ${count(high, noun)}`);
}

function rulesOf({ kind, format, part }) {
  if (kind === "string") {
    return [...(format ? [FORMATS[format]] : []), ...range(part.minLength, part.maxLength, "character")].join(", ");
  }
  if (kind === "many") return range(part.minItems, part.maxItems, "choice").join(", ");
  if (kind !== "integer" && kind !== "number") return "";
  return [kind === "integer" ? "a whole number" : "a number", ...range(part.minimum, part.maximum)].join(", ");
}

/** The value that was typed or chosen; undefined for a field that was left empty. */
function readField(field, typed) {
  const { kind, part, choices, start, format, required } = field;
  if (start.length && typed.join() === start.join() && typed.length === start.length) return part.default;
  if (choices) {
    const values = [...new Set(typed.map((number) => choices[number][0]))];
    if (kind !== "many") {
      if (!values.length && required) throw new Unfit("is required");
      return values[0];
    }
    if (!values.length && !required && !start.length) return undefined;
    checkRange(values.length, part.minItems, part.maxItems, "choice");
    return values;
  }
  let text = typed[0] ?? "";
  if (kind !== "string" || format) text = text.trim();
  if (!text && required) throw new Unfit("is required");
  if (!text && (kind !== "string" || format || !start.length)) return undefined;
  if (kind === "string") {
    checkRange([...text].length, part.minLength, part.maxLength, "character");
    return format ? formatted(text, format) : text;
  }
  return numberOf(text, field);
}

function numberOf(text, { kind, part }) {
  if (kind === "integer" && !/^[+-]?\d+$/.test(text)) throw new Unfit("must be a whole number");
  const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(number)) throw new Unfit("must be a number, for example 2.5");
  checkRange(number, part.minimum, part.maximum);
  if (kind === "integer" && !Number.isSafeInteger(number)) throw new Unfit("is too large a number for this card");
  return number;
}

function isDay(text) {
  const day = new Date(`${text}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(day.valueOf()) && day.toISOString().startsWith(text);
}

/** The text as its format writes it. */
function formatted(text, format) {
  let fits = true;
  if (format === "email") fits = /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(text);
  else if (format === "uri") fits = URL.canParse(text) && !/\s/.test(text);
  else if (format === "date") fits = isDay(text);
  else {
    const [, day, clock, seconds, zone] = MOMENT.exec(text) ?? [];
    fits = day !== undefined && isDay(day);
    if (fits) text = `${day}T${clock}${seconds ?? ":00"}${zone.toUpperCase()}`;
  }
  if (!fits) throw new Unfit(`must be ${FORMATS[format]}`);
  return text;
}

// -- drawing a field ----------------------------------------------------------------------------

/** A field on the page: its element, and functions to read it and to say what is wrong. */
function drawField(field, id) {
  const { title, part, required, choices, kind } = field;
  const rules = rulesOf(field);
  const text = part.description ?? "";
  const hint = text && rules ? `${text.replace(/\.$/, "")} (${rules})` : text || sentence(rules);
  const label = [shown(title), !required && make("span", { class: "optional" }, " (optional)")];
  const hinted = hint && said("p", hint, { id: `${id}-hint`, class: "hint" });
  const problem = said("p", "", { id: `${id}-wrong`, class: "problem", hidden: true });
  const grouped = choices && !(kind === "one" && choices.length > MOST_RADIOS);
  const control = grouped ? boxes(field, id) : choices ? list(field, id) : line(field, id);
  const element = grouped
    ? make("fieldset", { class: "field" }, make("legend", { dir: "auto" }, ...label), hinted, problem, ...control.elements)
    : make("div", { class: "field" }, make("label", { for: id, dir: "auto" }, ...label), hinted, problem, ...control.elements);
  const described = grouped ? element : control.elements[0];
  const tell = (what) => {
    problem.textContent = sentence(what);
    problem.hidden = !what;
    element.classList.toggle("wrong", Boolean(what));
    const ids = [hinted && `${id}-hint`, what && `${id}-wrong`].filter(Boolean).join(" ");
    if (ids) described.setAttribute("aria-describedby", ids);
    else described.removeAttribute("aria-describedby");
    if (what) described.setAttribute("aria-invalid", "true");
    else described.removeAttribute("aria-invalid");
  };
  tell("");
  return { field, id, element, tell, typed: control.typed };
}

function line({ kind, format, part, start, required }, id) {
  const value = start[0] ?? "";
  const long = kind === "string" && !format
    && (part.maxLength === undefined || part.maxLength > LONGEST_LINE || value.includes("\n"));
  const mode = { email: "email", uri: "url", integer: "numeric", number: "decimal" }[format ?? kind];
  const control = long ? make("textarea", { id, rows: "2", required })
    : make("input", { id, required, type: format === "date" ? "date" : "text", inputmode: mode, autocomplete: "off" });
  control.value = value;
  return { elements: [control], typed: () => [control.value] };
}

function list({ choices, start, required }, id) {
  const entries = choices.map(([, title], number) => [String(number), title]);
  if (!start.length) entries.unshift(["", required ? "Choose one" : "No answer"]);
  const control = make("select", { id, required }, ...entries.map(([value, title]) => make("option", { value }, shown(title))));
  control.value = start[0] ?? "";
  return { elements: [control], typed: () => (control.value ? [control.value] : []) };
}

function boxes({ kind, choices, start, required }, id) {
  const entries = choices.map(([, title], number) => [String(number), title]);
  const several = kind === "many";
  if (!several && !required && !start.length) entries.push(["", "No answer"]);
  const inputs = entries.map(([value], number) => make("input", {
    type: several ? "checkbox" : "radio", name: id, value, id: number ? `${id}-${number}` : id,
    checked: start.includes(value) || (!several && !start.length && value === ""), required: required && !several,
  }));
  const elements = entries.map(([, title], number) => make("label", { class: "choice" }, inputs[number], said("span", title)));
  return { elements, typed: () => inputs.filter((one) => one.checked && one.value).map((one) => one.value) };
}
