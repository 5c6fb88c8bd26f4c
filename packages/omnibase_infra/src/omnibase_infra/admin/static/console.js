// The page: what the host says, put where it belongs.

import { count, duration, element, keep, mark, rate, rows, say, set } from "./dom.js";
import { follow, History } from "./feed.js";
import { draw } from "./picture.js";

const SIGNS = { healthy: "ok", degraded: "warn", unhealthy: "bad", closed: "ok", half_open: "warn", open: "bad" };
const at = (id) => document.getElementById(id);
const history = new History();
let shown = null;
let away = false;
let extra = null;

follow(told, lost);
at("filter").addEventListener("input", () => shown && nodes(shown));
window.addEventListener("resize", () => shown && draw(at("picture"), at("picture-note"), shown, history));

function told(state) {
  news(state, history.add(state));
  shown = state;
  at("live").hidden = false;
  at("connection").hidden = true;
  document.body.classList.remove("stale");
  head(state);
  attention(state);
  figures(state);
  draw(at("picture"), at("picture-note"), state, history);
  partitions(state);
  nodes(state);
  handlers(state);
  failures(state);
  if (state.dev) develop(state);
}

/** What is said aloud: what changed for better or worse, never the figures. */
function news(state, sameLife) {
  const said = [];
  if (!sameLife) said.push("The host has restarted.");
  else if (away) said.push("Connected again.");
  away = false;
  if (shown && shown.host.phase !== state.host.phase) said.push(`The host is ${state.host.phase}.`);
  const known = new Set((shown?.attention ?? []).map(subject));
  for (const one of state.attention) if (shown && !known.has(subject(one))) said.push(one.what);
  if (shown?.attention.length && !state.attention.length) said.push("Nothing needs attention any more.");
  const newest = state.failures[0];
  if (shown && newest && newest.at > (shown.failures[0]?.at ?? "")) said.push(`New failure: ${newest.code}.`);
  if (said.length) say(at("news"), said.join(" "));
}

/** A finding without its figures, which change all the time. */
function subject(finding) {
  return finding.what.replace(/\d+/g, "");
}

function lost(since) {
  away = true;
  const told = since === null ? "No connection to the host." : `No connection since ${since.toLocaleTimeString()}.`;
  const rest = since === null ? "" : " What is below is how it was then.";
  at("connection").hidden = false;
  say(at("connection"), told + rest);
  document.body.classList.add("stale");
  at("phase").className = "mark bad";
  say(at("phase"), "no connection");
}

function head(state) {
  const { host } = state;
  say(at("name"), host.name);
  document.title = `${host.ready ? "" : "(!) "}${host.name} · onex console`;
  at("phase").className = `mark ${host.ready ? (state.attention.length ? "warn" : "ok") : "bad"}`;
  say(at("phase"), host.ready ? "ready" : host.phase === "ready" ? "not ready" : host.phase);
  say(at("seen"), `As of ${new Date().toLocaleTimeString()}`);
  say(at("versions"), Object.entries(host.versions).map(([name, version]) => `${name} ${version}`).join(" · "));
}

function attention(state) {
  at("calm").hidden = state.attention.length > 0;
  const make = () => element("li", {}, element("p"), element("p"), element("p"));
  keep(at("attention"), state.attention, subject, make, (item, one) => {
    item.className = one.grave ? "grave" : "";
    const [what, safe, todo] = item.children;
    what.className = `mark ${one.grave ? "bad" : "warn"}`;
    say(what, one.what);
    say(safe, `Safe: ${one.safe}.`);
    say(todo, `Do: ${one.do}.`);
  });
}

function figures(state) {
  const { host } = state;
  const ages = state.partitions.map((one) => one.oldest_age_s).filter((age) => age !== null);
  const lags = state.partitions.map((one) => one.lag).filter((lag) => lag !== null);
  const told = [
    ["Requests per second", rate(history.rate("done"))],
    ["Failing per second", rate(history.rate("failed"))],
    ["In flight", count(host.in_flight)],
    ["Oldest in flight", ages.length ? duration(Math.max(...ages)) : "–"],
    ["Lag", lags.length ? count(lags.reduce((sum, lag) => sum + lag, 0)) : "–"],
    ["Waiting to be published", count(host.held)],
    ["Event loop late by", duration(host.loop_lag_ms / 1000)],
  ];
  const make = () => element("div", {}, element("dt"), element("dd"));
  keep(at("figures"), told, ([name]) => name, make, (item, [name, value]) => {
    say(item.firstChild, name);
    say(item.lastChild, value);
  });
}

function partitions(state) {
  rows(at("partitions"), state.partitions, (one) => `${one.topic}-${one.partition}`, (one) => [
    `${one.topic}-${one.partition}`,
    count(one.next_position),
    count(one.committed_position),
    count(one.lag),
    count(one.outstanding),
    count(one.holes),
    oldest(one),
    one.paused ? mark("warn", `paused: ${one.paused_because ?? "no reason is known"}`) : mark("ok", "consuming"),
  ], [1, 6]);
}

function oldest(one) {
  if (one.oldest_outstanding === null) return "–";
  const age = one.oldest_age_s === null ? "" : `${duration(one.oldest_age_s)}, `;
  return `${age}offset ${one.oldest_outstanding}`;
}

function nodes(state) {
  const wanted = at("filter").value.toLowerCase();
  const found = state.nodes.filter((node) => node.slug.toLowerCase().includes(wanted));
  say(at("filtered"), wanted ? `${found.length} of ${state.nodes.length}` : `${state.nodes.length}`);
  rows(at("nodes"), found, (node) => node.slug, (node) => {
    const name = `node ${node.slug}`;
    const failing = history.rate(`${name} failed`);
    const sign = failing > history.rate(`${name} done`) / 2 ? "bad" : "warn";
    return [
      node.slug,
      node.kind,
      [...new Set(node.uses.map((use) => use.handler))].join(", ") || "–",
      rate(history.rate(`${name} done`)),
      failing ? mark(sign, `${rate(failing)} per second`) : rate(failing),
      duration(history.mean(`${name} work`, `${name} done`)),
      count(node.done),
      count(node.failed),
    ];
  }, [3, 5]);
}

function handlers(state) {
  rows(at("handlers"), state.handlers, (handler) => handler.name, (handler) => {
    const name = `handler ${handler.name}`;
    return [
      handler.name === handler.type ? handler.name : `${handler.name} (${handler.type})`,
      mark(SIGNS[handler.status] ?? "idle", handler.message ? `${handler.status}: ${handler.message}` : handler.status),
      breakers(handler),
      count(handler.breakers.reduce((sum, one) => sum + one.waiting, 0)),
      rate(history.rate(`${name} done`)),
      duration(history.mean(`${name} work`, `${name} done`)),
      count(handler.failed),
      count(handler.retries),
    ];
  }, [3, 5]);
}

/** The worst of a handler's circuit breakers, in words for all. */
function breakers(handler) {
  const order = ["closed", "half_open", "open"];
  const worst = handler.breakers.reduce((one, other) => (order.indexOf(other.state) > order.indexOf(one.state) ? other : one));
  const words = handler.breakers.map((one) => {
    const whose = one.node === null ? "" : `${one.node}: `;
    const probe = one.state === "open" ? `, probe in ${duration(one.probe_in_s)}` : "";
    const failed = one.state === "closed" && one.failures ? `, ${one.failures} failures in a row` : "";
    return `${whose}${one.state.replace("_", " ")}${probe}${failed}`;
  });
  return mark(SIGNS[worst.state], words.join("; "));
}

function failures(state) {
  at("no-failures").hidden = state.failures.length > 0;
  keep(at("failures"), alike(state.failures), (one) => one.key, newFailure, renewFailure);
}

/** Failures that are the same but for their request, together: the newest first. */
function alike(all) {
  const groups = new Map();
  for (const one of all) {
    const key = JSON.stringify([one.code, one.node, one.operation, one.message]);
    if (groups.has(key)) groups.get(key).requests.push(one);
    else groups.set(key, { key, ...one, requests: [one] });
  }
  return [...groups.values()];
}

function newFailure(group) {
  const where = group.node === null ? "no envelope" : `node ${group.node}${group.operation ? `, ${group.operation}` : ""}`;
  return element("li", {},
    element("p", {}, element("time"), " ", element("span", { class: "mark bad code" }, group.code), " ", where, " ", element("span", { class: "times" })),
    element("p", {}, group.message),
    element("p", {}, `Do: ${group.hint}`),
    element("details", {}, element("summary"), element("ul")));
}

function renewFailure(item, { requests }) {
  const [time, , times] = item.firstChild.children;
  const newest = new Date(requests[0].at);
  set(time, { datetime: requests[0].at });
  say(time, newest.toLocaleTimeString());
  say(times, requests.length > 1 ? `${requests.length} times since ${new Date(requests.at(-1).at).toLocaleTimeString()}` : "");
  const [summary, list] = item.lastChild.children;
  say(summary, `Correlation id ${requests[0].correlation_id ?? "none"}${requests.length > 1 ? ` and ${requests.length - 1} more` : ""}`);
  const line = (one) => `${new Date(one.at).toLocaleTimeString()} · ${one.correlation_id ?? "no correlation id"} · record ${one.record}`;
  keep(list, requests, (one) => `${one.record} ${one.at}`, () => element("li"), (entry, one) => say(entry, line(one)));
}

/** What is for development only has a script and a section of its own; a host that runs for real has neither. */
function develop(state) {
  extra ??= import("./develop.js").catch(() => ({ renew: () => {} }));
  extra.then((module) => module.renew(state));
}
