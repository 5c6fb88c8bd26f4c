// What `onex-host dev` adds: why the last change does not run, and a form that calls nodes.

import { element, keep, say } from "./dom.js";

const WRITTEN = new Set(["string", "decimal", "integer", "number", "uuid", "date", "datetime"]);
const entered = new Map(); // what was typed, by node and field: it outlives a reload of the contract
const page = built();
let known = null;
let shape = ""; // of the form that is shown
let shown = null; // its node

/** Called with each state of the host; asks for what only a dev host knows. */
export async function renew() {
  const answer = await fetch("/dev/state", { cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return;
  known = await answer.json();
  fault();
  about();
  choice();
  fields();
}

function built() {
  const made = {
    fault: element("div", { id: "fault", class: "fault", role: "alert", hidden: "" }),
    about: element("p", { class: "note" }),
    node: element("select", { id: "call-node" }),
    operation: element("select", { id: "call-operation" }),
    json: element("input", { id: "call-json", type: "checkbox" }),
    description: element("p", { class: "note", id: "call-description" }),
    fields: element("div", { class: "fields" }),
    command: element("code", { id: "call-command" }),
    outcome: element("p", { id: "call-outcome" }),
    readable: element("pre", { id: "call-readable", tabindex: "0", "aria-label": "Response" }),
    envelope: element("pre", { id: "call-envelope", tabindex: "0", "aria-label": "Response envelope" }),
  };
  made.operations = element("p", {}, element("label", { for: "call-operation" }, "Operation "), made.operation);
  made.answer = element("div", { id: "call-answer", hidden: "" },
    element("div", { role: "status" }, made.outcome, made.readable),
    element("details", {}, element("summary", {}, "The whole response envelope"), made.envelope));
  const form = element("form", { id: "call-form", "aria-labelledby": "call-title" },
    element("p", {}, element("label", { for: "call-node" }, "Node "), made.node, " ",
      element("label", { class: "check" }, made.json, " payload as JSON")),
    made.description, made.operations, made.fields,
    element("p", {}, element("button", { id: "call-send" }, "Call")));
  const section = element("section", { id: "call-section", "aria-labelledby": "call-title" },
    element("h2", { id: "call-title" }, "Call a node"), form, made.answer,
    element("p", { class: "note" }, "In a terminal: ", made.command), made.about);
  document.getElementById("live").before(made.fault, section);
  const item = element("li", {}, element("a", { href: "#call-section" }, "Call a node"));
  document.getElementById("sections").prepend(item);
  form.addEventListener("submit", call);
  form.addEventListener("input", command);
  made.node.addEventListener("change", fields);
  made.json.addEventListener("change", fields);
  return made;
}

function fault() {
  page.fault.hidden = known.fault === null && known.serving;
  const [head, text] = known.fault
    ? ["The last change does not run; what ran before it runs on", known.fault.text]
    : ["The host has ended", "Its feed is over, or it was asked to stop. Save a file to start it anew."];
  if (!page.fault.firstChild) page.fault.append(element("h2", {}), element("pre", { tabindex: "0", "aria-label": "What is wrong" }));
  say(page.fault.firstChild, page.fault.hidden ? "" : head);
  say(page.fault.lastChild, page.fault.hidden ? "" : text);
}

function about() {
  const bus = known.bus_of_contract === "inmemory" ? "in memory" : `in memory here, ${known.bus_of_contract} by the contract`;
  const database = known.embedded_postgres.length ? ` A PostgreSQL of this run stands behind ${known.embedded_postgres.join(", ")}.` : "";
  say(page.about, `${known.contract}, in development, reloaded ${known.reloads} times. Bus: ${bus}.${database}`);
}

function choice() {
  const make = (node) => element("option", { value: node.slug }, node.slug);
  keep(page.node, known.nodes, (node) => node.slug, make, () => {});
}

function chosen() {
  return known.nodes.find((node) => node.slug === page.node.value) ?? known.nodes[0] ?? null;
}

/** The form of the chosen node, made anew only where it is another one. One that passes its payload on takes JSON. */
function fields() {
  const node = chosen();
  const now = JSON.stringify([node, page.json.checked]);
  if (now === shape) return;
  shape = now;
  if (shown !== node?.slug) page.answer.hidden = true;
  shown = node?.slug;
  page.fields.replaceChildren();
  if (!node) return;
  say(page.description, `${node.node_type}${node.description ? `: ${node.description}` : ""}`);
  page.operations.hidden = node.operations.length < 2;
  page.operation.replaceChildren(...node.operations.map((name) => element("option", { value: name }, name)));
  page.fields.append(...(asJson(node) ? [whole(node)] : node.fields.map((field) => one(node, field))));
  command();
}

/** The same call for a terminal. */
function command() {
  const { node, values, payload, operation } = asked(chosen());
  const there = location.hostname.startsWith("[") ? location.host : location.port;
  const port = there === "8642" ? [] : ["--http", there];
  const given = payload === undefined ? values : ["--payload", payload];
  const words = ["onex-host", "call", known.contract, node, ...given, ...(operation ? ["--operation", operation] : []), "--dev", ...port];
  say(page.command, words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" "));
}

function asJson(node) {
  return page.json.checked || node.passes_through;
}

function one(node, field) {
  const id = `field-${field.name}`;
  const key = `${node.slug} ${field.name}`;
  const control = controlOf(field, id);
  control.value = entered.get(key) ?? field.sample ?? "";
  control.addEventListener("input", () => entered.set(key, control.value));
  const hint = [field.type, field.sample === null ? "may be left out" : "", field.description ?? ""].filter(Boolean).join(", ");
  control.setAttribute("aria-describedby", `${id}-hint`);
  if (field.default !== null) control.setAttribute("placeholder", JSON.stringify(field.default).replace(/^"(.*)"$/, "$1"));
  return element("p", { class: "field" },
    element("label", { for: id }, field.name), " ",
    element("span", { class: "note", id: `${id}-hint` }, hint), control);
}

function controlOf(field, id) {
  if (field.type === "boolean") {
    const values = field.sample === null ? ["", "true", "false"] : ["true", "false"];
    return element("select", { id }, ...values.map((value) => element("option", { value }, value)));
  }
  const common = { id, autocomplete: "off", spellcheck: "false" };
  return WRITTEN.has(field.type) ? element("input", common) : element("textarea", { ...common, rows: "4" });
}

function whole(node) {
  const key = `${node.slug} `;
  const sample = node.fields.filter((field) => field.sample !== null).map((field) => [field.name, parsed(field)]);
  const control = element("textarea", { id: "field-payload", rows: "8", autocomplete: "off", spellcheck: "false" });
  control.value = entered.get(key) ?? JSON.stringify(Object.fromEntries(sample), null, 2);
  control.addEventListener("input", () => entered.set(key, control.value));
  return element("p", { class: "field" }, element("label", { for: "field-payload" }, "Payload, a JSON object"), control);
}

function parsed(field) {
  const texts = new Set(["string", "decimal", "uuid", "date", "datetime", "any"]);
  return texts.has(field.type) ? field.sample : JSON.parse(field.sample);
}

/** The values as they are typed: the host reads them by the node's input model, so no number passes through here. */
function asked(node) {
  const call = { node: node.slug, values: [] };
  if (asJson(node)) {
    call.payload = document.getElementById("field-payload").value;
  } else {
    for (const field of node.fields) {
      const { value } = document.getElementById(`field-${field.name}`);
      if (value !== "" || (field.sample !== null && field.type === "string")) call.values.push(`${field.name}=${value}`);
    }
  }
  if (node.operations.length > 1) call.operation = page.operation.value;
  return call;
}

async function call(event) {
  event.preventDefault();
  const node = chosen();
  if (!node) return;
  page.answer.hidden = false;
  show("idle", "waiting for the response", "", "");
  show(...(await answered(asked(node))));
}

async function answered(call) {
  try {
    const answer = await fetch("/dev/call", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(call),
    });
    const told = await answer.json();
    if (told.refusal !== null) return ["warn", "not sent", told.refusal, ""];
    const [head, ...rest] = told.readable.split("\n");
    return [told.success ? "ok" : "bad", head, rest.join("\n"), told.pretty];
  } catch (error) {
    return ["bad", "no answer", `The host did not answer: ${error.message}`, ""];
  }
}

function show(sign, outcome, readable, envelope) {
  page.outcome.className = `mark ${sign}`;
  say(page.outcome, outcome);
  say(page.readable, readable);
  page.readable.hidden = readable === "";
  say(page.envelope, envelope);
  page.envelope.parentElement.hidden = envelope === "";
}
