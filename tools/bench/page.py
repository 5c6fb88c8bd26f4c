"""The page docs/benchmarks.md: a section for each kind of measurement, which others leave alone."""

import re
from collections.abc import Mapping
from typing import Final

IN_MEMORY: Final = "In memory"
KAFKA: Final = "On Kafka"
MOCK: Final = "On librdkafka's mock"


def page(found: Mapping[str, str], before: str) -> str:
    """The page with these tables by section; those of the other sections are taken from the page as it was."""
    sections = (
        f"## {title}\n\n{found.get(title) or _kept(before, title)}\n### How to read it\n\n{words}"
        for title, words in _SECTIONS.items()
    )
    return "\n".join([_HEAD, *sections])


def _kept(before: str, title: str) -> str:
    section = re.search(rf"^## {title}\n\n(.*?)\n### ", before, re.DOTALL | re.MULTILINE)
    return section[1] if section else "Not measured yet.\n"


_HEAD = """# Benchmarks

Written by `uv run python -m tools.bench --markdown docs/benchmarks.md`, which measures in memory, and by
`uv run --group bench python -m tools.bench kafka --markdown docs/benchmarks.md`, which starts a Kafka broker; with
`--broker mock` librdkafka's mock of one.

- Every ratio is ours against a reference that ran in the same round, turn by turn; the table has the median
  over the rounds. The absolute figures are this machine's on this day: compare ratios, not figures, and take two
  ratios closer than a tenth as equal.
- `must` is what a release has to reach, `aim` what we work towards. `floor.*` rows hold absolute figures to what
  the plan of the project demanded.
- `range`: the smallest and the largest ratio of the rounds.
- A host lets Python's collector look at young objects less often while it runs; the references run as Python
  comes.
"""
_IN_MEMORY = """\
- `throughput.*`: envelopes of 0.5 kB through the whole host on the in-memory bus, bytes in to bytes out, a COMPUTE
  node that returns its input. The reference of `throughput.loop` is what one would write by hand: two queues of
  1,000, one task, a plain pydantic model, `validate_json` and `to_json` bound once, a response built by the
  model's constructor. It checks less: duplicate keys, ranges of numbers, nesting and the forms of ids and times
  pass. `throughput.codec` is the same loop with this project's envelope, `decode` and `encode`, and
  `throughput.reply` builds the response with `reply()` too.
- `latency.*`: one envelope at a time, host against the first loop.
- `http.p50`, `db.p50`: the handler's `execute` against httpx's client and against one asyncpg connection that
  nobody else uses, for the same request to the same server process. `db.pool_p50` is against asyncpg's pool
  instead, which concurrent callers need, as they need the handler's. `http.host_p50` and `db.host_p50` are through
  the whole host: while it works between two requests, the server's process falls asleep, and waking it is part of
  the figure.
- `http.busy`: the handler's `execute` and httpx's client again, with 100 requests under way all the time, each on
  a connection that is kept.
- `start.*`: a fresh interpreter until a host with 10 nodes, the http and the db handler is ready, against a fresh
  interpreter that imports what such a contract needs and defines nothing: asyncio, pydantic with Field and
  JsonValue, which load most of it, yaml, httpx with httpcore and anyio, asyncpg. `start.rss` is the resident
  memory of the two after that. httpx imports its command line where rich is installed, which it is in this
  workspace: some 70 ms and 6 MB of the reference, which a host leaves out.
- `nodes.1000`: throughput with 1,000 nodes of like contracts, asked in turn, against 1 node.
- `payload.300kb`: time for each byte of a payload of 300 kB through the whole host, against `decode` and `encode`
  of the same envelope. `payload.growth`: the same against a payload of 0.3 kB.
- `mapped.http`: envelopes through the whole host to a node whose contract builds a POST (url, header, JSON body)
  from typed input and the output from the answer, against a node that passes on what its caller wrote out; the
  same http handler for both, whose transport has the answer at once.
- `expression.path`: `result.rows[0].id`, compiled once, against the jmespath library, whose parser we use.
- `validate.500_nodes`: the whole validation of a runtime contract with 500 nodes (mapped onto http, onto a db
  transaction, passed through, a transform) within one process, against `yaml.load` of the node contracts with
  PyYAML's C loader.
- `validate.*file`, `validate.project`: the `onex-host validate` command as a process, against
  `python -c "import pydantic, yaml, click"`: of a node contract of the quickstart, of a node contract mapped onto
  http, and of the quickstart's runtime contract with all its nodes. pydantic loads most of itself when it is first
  used, so that import is a part of what a program with pydantic models starts with; `validate.file_models` is
  against an interpreter that imports BaseModel, Field, ConfigDict and JsonValue besides.
- `guard.call`: what a call through the guard takes more than the handler's own, breaker closed and nothing to
  retry, in time of the processor. `guard.deadline`: the same for a request with `ttl_seconds`. The
  bound is 5 us or a tenth of a pass-through call, whichever is more; the row shows the first, and a tenth of
  `http.p50` is several times that.
- `scrape.cpu`: envelopes for each second that a host with ten nodes computed, while another process reads its
  `/metrics` every second, against the same host that is left alone.
"""
_KAFKA = """\
- The host is `onex-host run` of a contract with `max_inflight_envelopes: 1000` and otherwise the defaults: at
  least once, order by key, an offset committed only with its recorded outcome, `acks=all`, an idempotent
  producer. It is a process on a core of its own; the broker (Apache Kafka 4.1, one node, loopback, a JVM that
  compiles little) and who measures have the other core. Every side reads the same topic of 8 partitions and
  writes into the same one of 4, a record being an envelope of 0.5 kB with the key of one of 1,000 customers;
  the clock runs from the first tenth of the answers to the last one, then the offsets must be committed. Every
  reference has `acks=all` and an idempotent producer too.
- `kafka.wall_*`, `kafka.cpu_*`: answers a second, and answers for each second that the process computed, user
  and system. The host decodes, validates, runs a COMPUTE node that returns its input, and encodes; the
  reference is an aiokafka loop that does none of this: it sends the bytes that it got, awaits all of a poll and
  commits. `values` leaves keys behind, `keyed` passes them on, as the host does. The loop waits for the broker
  after each poll and the host does not: the wall says what a user sees, the computing what a core can carry.
- `kafka.stream_*`: FastStream with the model of `throughput.loop`, `AckPolicy.ACK`, its log off: `batch` with
  `batch=True` and `publish_batch`, `each` a message at a time. Its `ACK` acknowledges what failed, too.
- `kafka.keys_10`, `kafka.keys_50`: one partition, a handler that waits 0 to 5 ms, so many keys, against a loop
  that waits for each request in turn and for its acknowledgement in batches.
- `kafka.p50`, `kafka.p99`: one request in flight, from the client's `send` until it has the response, against
  the loop with its bytes and a commit every 200 ms, as the host has it.
- `kafka.two_hosts`: two hosts in one group against one, a node that computes for 5 ms. The second host has a
  core of its own where there are three; with two cores it shares the broker's and the client's, so that the
  ratio is below what two whole cores would give by what these need.
- `kafka.rss_models`: resident memory when idle, after 100 requests to ten COMPUTE nodes, against an aiokafka
  loop that validates and answers with one pydantic model; `kafka.rss_bytes`: against the loop that knows no
  model.
- `kafka.growth`: the most that is resident during a backlog against the most until its first fifth was done.
"""
_MOCK = """\
- The rows are those of the section above, with the same hosts, loops and topics. The broker is the mock cluster of
  librdkafka, a process with one busy thread and everything in memory: a request takes it a fraction of what the
  JVM needs. The loop of `kafka.wall_*` waits for its broker after each poll, which costs it next to nothing here;
  what is left of a ratio is computing.
- A fetch gets one batch of each partition from the mock, here of 200 requests, however much more there is.
- Left out: one request in flight, since a fetch that finds nothing waits its half second out in the mock whatever
  comes meanwhile, which makes 502 ms on both sides; two hosts, since the mock does not tell who is in a group;
  and memory, since the mock keeps 5 MB of a partition, and a host's own is the same on any broker.
"""
_SECTIONS: Final[Mapping[str, str]] = {IN_MEMORY: _IN_MEMORY, KAFKA: _KAFKA, MOCK: _MOCK}
