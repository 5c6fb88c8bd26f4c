// Small pieces that put values onto the page. Text goes in as text: nothing that a host says is ever read as HTML.

/** An element with attributes and children; children are elements or texts. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  return furnished(made, attributes, children);
}

/** The same in SVG. */
export function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  return furnished(made, attributes, children);
}

function furnished(made, attributes, children) {
  set(made, attributes);
  made.append(...children);
  return made;
}

/** Sets attributes, where they change. */
export function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }
}

/** Sets a text only where it changes, so that nothing is drawn or announced for nothing. */
export function say(node, text) {
  const told = String(text);
  if (node.textContent !== told) node.textContent = told;
}

/** A state in words, with a colour and a sign for it. sign: ok, warn, bad or idle. */
export function mark(sign, text) {
  return { sign, text };
}

function put(cell, value) {
  if (value !== null && typeof value === "object") {
    if (cell.firstElementChild?.className !== `mark ${value.sign}`) {
      cell.replaceChildren(element("span", { class: `mark ${value.sign}` }));
    }
    say(cell.firstElementChild, value.text);
  } else {
    say(cell, value);
  }
}

/**
 * Keeps the children of a body in step with items: each key has a child of its own, which is renewed in place, so
 * that focus, selection and scrolling stay where they are. make gives a new child, renew puts an item's values in.
 */
export function keep(body, items, keyOf, make, renew) {
  const there = (body.kept ??= new Map());
  const keys = new Set();
  let before = null;
  for (const item of items) {
    const key = keyOf(item);
    keys.add(key);
    let child = there.get(key);
    if (child === undefined) {
      child = make(item);
      there.set(key, child);
    }
    renew(child, item);
    const place = before === null ? body.firstChild : before.nextSibling;
    if (child !== place) body.insertBefore(child, place);
    before = child;
  }
  for (const [key, child] of there) {
    if (!keys.has(key)) {
      child.remove();
      there.delete(key);
    }
  }
}

/** Rows of a table. cells gives the values of an item; numbers: from which column on they are numbers, and how many. */
export function rows(body, items, keyOf, cells, numbers) {
  const [first, count] = numbers;
  const isNumber = (index) => index >= first && index < first + count;
  const make = (item) =>
    element("tr", {}, ...cells(item).map((_, index) =>
      index === 0
        ? element("th", { scope: "row" })
        : element("td", isNumber(index) ? { class: "number" } : {})));
  const renew = (row, item) => cells(item).forEach((value, index) => put(row.children[index], value));
  keep(body, items, keyOf, make, renew);
}

const whole = new Intl.NumberFormat("en-GB");

/** A count. */
export function count(number) {
  return number === null || number === undefined ? "–" : whole.format(number);
}

/** How often a second. */
export function rate(number) {
  if (number === null) return "–";
  if (number === 0) return "0";
  return number < 10 ? number.toFixed(1) : whole.format(Math.round(number));
}

/** A duration of seconds. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
  if (seconds < 0.001) return seconds === 0 ? "0 ms" : `${(seconds * 1000).toFixed(2)} ms`;
  if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
  if (seconds < 90) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
