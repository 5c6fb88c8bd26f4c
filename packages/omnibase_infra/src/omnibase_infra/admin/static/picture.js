// The picture: bus, nodes and handlers in three columns, with what flows between them now.
// It is one image with a text alternative; every figure in it is in the tables below it too.

import { keep, rate, say, set, shape } from "./dom.js";

const DRAWN = 12; // nodes; the others share a box
const NARROW = 560; // pixels: a telephone
const ROW = 52;
const BOX = 40;
const SIGNS = { healthy: "ok", degraded: "warn", unhealthy: "bad", unknown: "idle" };
let chosen = [];
let chosenFor = "";
let drawn = 0;

/** Draws the state into a place; note says what is left out. */
export function draw(place, note, state, history) {
  const width = Math.max(320, Math.min(place.clientWidth || 960, 1200));
  const nodes = shownOf(state, history);
  const others = state.nodes.length - nodes.length;
  const boxes = [...nodes.map((node) => nodeBox(node, history))];
  if (others > 0) boxes.push({ title: `${others} more nodes`, line: "quieter; all are in the table", uses: [], sign: "idle", flow: 0 });
  const handlers = state.handlers.map((handler) => handlerBox(handler, history));
  const height = ROW * Math.max(boxes.length, handlers.length, 3) + 24;
  const columns = columnsOf(width);
  stack(boxes, columns.node, height);
  stack(handlers, columns.handler, height);
  const bus = busBoxes(state, history, width < NARROW);
  stack(bus, columns.bus, height);
  const flows = boxes.map((box) => flow(bus[0], box, box.flow, box.sign === "bad"));
  for (const box of boxes) {
    for (const use of box.uses) {
      const handler = handlers.find((one) => one.name === use.handler);
      if (handler) flows.push(flow(box, handler, use.flow, handler.sign === "bad"));
    }
  }
  const image = place.firstElementChild ?? place.appendChild(shape("svg", { role: "img" }, shape("g"), shape("g")));
  set(image, { viewBox: `0 0 ${width} ${height}`, width, height, "aria-label": inWords(state, history) });
  keep(image.firstChild, flows, (one) => one.key, () => shape("path"), (path, one) => set(path, one.attributes));
  keep(image.lastChild, [...bus, ...boxes, ...handlers], (box) => `${box.x} ${box.title}`, () => shape("g"), drawBox);
  say(note, others > 0 ? `The ${nodes.length} nodes with the most failures and requests are drawn; all ${state.nodes.length} are in the table.` : "");
}

/** Which nodes are drawn: chosen anew now and then, so that the picture does not jump about. */
function shownOf(state, history) {
  if (state.nodes.length <= DRAWN) return state.nodes;
  const which = `${state.life} ${state.nodes.length}`;
  if (drawn++ % 5 === 0 || which !== chosenFor) {
    const busy = (node) => (history.rate(`node ${node.slug} failed`) ?? 0) * 1e6 + (history.rate(`node ${node.slug} done`) ?? 0);
    const sorted = state.nodes.map((node) => [busy(node), node.done, node.slug]).sort((a, b) => b[0] - a[0] || b[1] - a[1]);
    chosen = new Set(sorted.slice(0, DRAWN).map(([, , slug]) => slug));
    chosenFor = which;
  }
  return state.nodes.filter((node) => chosen.has(node.slug));
}

function nodeBox(node, history) {
  const name = `node ${node.slug}`;
  const failing = history.rate(`${name} failed`) ?? 0;
  const done = history.rate(`${name} done`);
  const uses = new Map();
  for (const use of node.uses) {
    const its = history.rate(`${name} use ${use.operation} ${use.handler}`) ?? 0;
    uses.set(use.handler, (uses.get(use.handler) ?? 0) + its);
  }
  return {
    title: node.slug,
    line: `${rate(done)}/s${failing ? `, ${rate(failing)} failing` : ""}`,
    uses: [...uses].map(([handler, its]) => ({ handler, flow: its })),
    sign: failing ? (failing > done / 2 ? "bad" : "warn") : done ? "ok" : "idle",
    flow: done ?? 0,
  };
}

function handlerBox(handler, history) {
  const states = handler.breakers.map((one) => one.state);
  const breaker = states.includes("open") ? "open" : states.includes("half_open") ? "half open" : null;
  return {
    name: handler.name,
    title: handler.name,
    line: breaker ? `breaker ${breaker}` : `${handler.status}, ${rate(history.rate(`handler ${handler.name} done`))}/s`,
    sign: breaker === "open" ? "bad" : breaker ? "warn" : SIGNS[handler.status] ?? "idle",
  };
}

function busBoxes(state, history, narrow) {
  const { bus, partitions } = state;
  const paused = partitions.filter((one) => one.paused).length;
  const boxes = [
    {
      title: narrow ? "input" : bus.topics.input,
      line: `${rate(history.rate("done"))}/s${paused ? `, ${paused} paused` : ""}`,
      sign: paused ? "warn" : SIGNS[bus.status] ?? "idle",
    },
    { title: narrow ? "output" : bus.topics.output, line: narrow ? "" : "responses", sign: state.host.held ? "warn" : "idle" },
  ];
  if (bus.topics.dead_letter) {
    boxes.push({ title: narrow ? "dead" : bus.topics.dead_letter, line: narrow ? "letters" : "dead letters", sign: "idle" });
  }
  return boxes;
}

function columnsOf(width) {
  const gap = width < NARROW ? 20 : width * 0.1;
  const room = width - 2 * gap - 2;
  const [bus, node, handler] = (width < NARROW ? [0.28, 0.4, 0.32] : [0.3, 0.37, 0.33]).map((share) => share * room);
  return {
    bus: { x: 1, width: bus },
    node: { x: 1 + bus + gap, width: node },
    handler: { x: 1 + bus + node + 2 * gap, width: handler },
  };
}

function stack(boxes, column, height) {
  const step = Math.min(ROW * 1.6, height / Math.max(1, boxes.length));
  const top = (height - step * boxes.length) / 2;
  boxes.forEach((box, index) => Object.assign(box, column, { y: top + step * index + (step - BOX) / 2 }));
}

function drawBox(group, box) {
  const letters = Math.floor((box.width - 26) / 7);
  const lines = Math.floor((box.width - 26) / 6.2);
  set(group, { class: `box ${box.sign}` });
  group.replaceChildren(
    shape("title", {}, box.title),
    shape("rect", { x: box.x, y: box.y, width: box.width, height: BOX, rx: 6 }),
    signOf(box),
    shape("text", { x: box.x + 22, y: box.y + 17, class: "box-title" }, cut(box.title, letters)),
    shape("text", { x: box.x + 22, y: box.y + 32, class: "box-line" }, cut(box.line, lines)));
}

/** A shape for each state, beside its colour. */
function signOf({ x, y, sign }) {
  const [cx, cy] = [x + 12, y + 13];
  if (sign === "bad") return shape("rect", { x: cx - 4.5, y: cy - 4.5, width: 9, height: 9, class: "sign" });
  if (sign === "warn") return shape("path", { d: `M${cx} ${cy - 5.5}l5.5 10h-11z`, class: "sign" });
  return shape("circle", { cx, cy, r: sign === "ok" ? 4.5 : 3, class: "sign" });
}

function flow(from, to, persecond, bad) {
  const [x1, y1] = [from.x + from.width, from.y + BOX / 2];
  const [x2, y2] = [to.x, to.y + BOX / 2];
  const bend = (x2 - x1) / 2;
  const thickness = persecond > 0 ? Math.min(6, 1.5 + Math.log10(1 + persecond) * 1.5) : 1;
  const kind = persecond > 0 ? "flow moving" : "flow";
  const d = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  const attributes = { d, class: bad ? `${kind} bad` : kind, "stroke-width": thickness.toFixed(1) };
  return { key: JSON.stringify([from.title, to.title, to.x]), attributes };
}

function cut(text, letters) {
  return text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`;
}

function inWords(state, history) {
  const ailing = state.handlers.filter((one) => one.status !== "healthy").map((one) => `${one.name} ${one.status}`);
  return [
    `Requests come from ${state.bus.topics.input}, ${rate(history.rate("done"))} a second,`,
    `to ${state.nodes.length} nodes, which use ${state.handlers.length} handlers.`,
    ailing.length ? `Not well: ${ailing.join(", ")}.` : "All handlers are healthy.",
  ].join(" ");
}
