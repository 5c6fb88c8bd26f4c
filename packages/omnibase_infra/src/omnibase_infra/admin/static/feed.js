// Asks the host for its state, again and again, and knows when it does not answer.

const STATE = new URL("/console/state.json", location.origin); // the page's own address may hold a password
const EVERY_MS = 1000;
const PATIENCE_MS = 5000;

/**
 * Calls told(state) with each answer, and lost(since) while there is none; since is the Date of the last answer, or
 * null. The next question is asked when the answer to the last one is there, and none while the page is hidden.
 */
export function follow(told, lost) {
  let last = null;
  let timer = null;

  async function ask() {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const answer = await fetch(STATE, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const state = await answer.json();
      last = new Date();
      told(state);
    } catch (error) {
      lost(last, error);
    }
    clearTimeout(timer);
    timer = setTimeout(ask, EVERY_MS);
  }

  document.addEventListener("visibilitychange", ask);
  ask();
}

/** What changed between states some seconds apart: rates of counters that the host only counts up. */
export class History {
  #kept = [];

  constructor(span_s = 5) {
    this.span_s = span_s;
  }

  /** Takes a state in; false where it is of another life of the host than the one before. */
  add(state) {
    const newest = this.#kept.at(-1);
    const restarted = newest !== undefined && state.life !== newest.life;
    if (restarted) this.#kept = [];
    this.#kept.push({ clock_s: state.host.clock_s, life: state.life, counts: counted(state) });
    while (this.#kept.length > 2 && this.#kept[1].clock_s < state.host.clock_s - this.span_s) this.#kept.shift();
    return !restarted;
  }

  /** How often a second a counter rose; null before there are two states. */
  rate(name) {
    const [oldest, newest] = [this.#kept[0], this.#kept.at(-1)];
    const elapsed = newest.clock_s - oldest.clock_s;
    return elapsed > 0 ? Math.max(0, (newest.counts.get(name) ?? 0) - (oldest.counts.get(name) ?? 0)) / elapsed : null;
  }

  /** The mean of what was summed for each that was counted meanwhile; null where there was none. */
  mean(sum, number) {
    const many = this.rate(number);
    return many ? this.rate(sum) / many : null;
  }
}

function counted(state) {
  const counts = new Map();
  let done = 0;
  let failed = 0;
  for (const node of state.nodes) {
    const name = `node ${node.slug}`;
    counts.set(`${name} done`, node.done).set(`${name} failed`, node.failed).set(`${name} work`, node.work_s);
    for (const use of node.uses) counts.set(`${name} use ${use.operation} ${use.handler}`, use.done);
    done += node.done;
    failed += node.failed;
  }
  for (const handler of state.handlers) {
    const name = `handler ${handler.name}`;
    counts.set(`${name} done`, handler.done).set(`${name} failed`, handler.failed).set(`${name} work`, handler.work_s);
  }
  return counts.set("done", done).set("failed", failed);
}
