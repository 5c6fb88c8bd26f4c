"""What is counted and timed for each envelope and each call of a handler: plain numbers, read when somebody asks.

Counting costs a dictionary's entry and a bisection; names, labels and formats are made at the scrape
(`admin.metrics`), so that what nobody scrapes costs next to nothing.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.enums import EnumErrorCode

BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The upper bounds of the buckets in seconds, as OpenTelemetry's conventions for durations have them."""

_SHORT_S: Final = BOUNDS_S[0]
_FAILURES_KEPT: Final = 100
OK: Final = "OK"
OTHER: Final = "other"
"""The node of requests that name none of the contract's: what is asked for must not make new series."""


class Histogram:
    """Durations by bucket. counts: for each of BOUNDS_S, then one for all that is longer; sum_s: of all."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def observe(self, seconds: float) -> None:
        """Counts one."""
        self.counts[0 if seconds <= _SHORT_S else bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds


class Outcomes:
    """What became of the requests to one node.

    counts: by operation (None for COMPUTE and where none was chosen) and code; operations that are not the node's
    are `other`. waited: from arrival to the node's start; worked: from there to its outcome.
    """

    __slots__ = ("_operations", "_taken_back", "_told", "counts", "waited", "worked")

    def __init__(self, operations: Iterable[str] = ()) -> None:
        self._operations = frozenset(operations)
        self._taken_back = Counter[str | None]()
        self._told: dict[tuple[str | None, str], int] = {}
        self.counts: dict[tuple[str | None, str], int] = {}
        self.waited = Histogram()
        self.worked = Histogram()

    def note(self, operation: str | None, code: str, waited_s: float, worked_s: float) -> None:
        """One request has its outcome."""
        if operation is not None and operation not in self._operations:
            operation = OTHER
        key = (operation, code)
        self.counts[key] = self.counts.get(key, 0) + 1
        self.waited.observe(waited_s)
        self.worked.observe(worked_s)

    def take_back(self, operation: str | None, code: str) -> None:
        """A success that was counted could not be sent: its requester gets an error with this code instead."""
        if operation is not None and operation not in self._operations:
            operation = OTHER
        self._taken_back[operation] += 1
        self.counts[operation, code] = self.counts.get((operation, code), 0) + 1

    @property
    def told(self) -> Mapping[tuple[str | None, str], int]:
        """The counts without what was taken back. None ever falls: a counter that does looks like a restart."""
        for (operation, code), count in self.counts.items():
            if code == OK:
                left = count - self._taken_back[operation]
                self._told[operation, OK] = max(self._told.get((operation, OK), 0), left)
        return self.counts | self._told


class Calls:
    """Attempts of one handler. durations: by operation, those of all unknown ones under `other`."""

    __slots__ = ("_failures", "durations")

    def __init__(self, operations: Iterable[str]) -> None:
        self.durations: Mapping[str, Histogram] = {name: Histogram() for name in (*operations, OTHER)}
        self._failures: dict[tuple[str, str], int] = {}

    def note(self, operation: str | None, code: str, took_s: float) -> None:
        """One attempt has ended. What succeeds is counted by its duration alone."""
        name = operation if operation is not None and operation in self.durations else OTHER
        self.durations[name].observe(took_s)
        if code is not OK:
            self._failures[name, code] = self._failures.get((name, code), 0) + 1

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """Attempts by operation and code."""
        failed = Counter[str]()
        for (name, _), count in self._failures.items():
            failed[name] += count
        succeeded = {(name, OK): sum(its.counts) - failed[name] for name, its in self.durations.items()}
        return {at: count for at, count in succeeded.items() if count} | self._failures


class BusMeter:
    """What a bus over servers counts, besides its progress.

    Attributes: `commits` (durations of those that succeeded), `commit_failures`, `rebuilt` (replaced clients, by
    kind), `failures` (in a row, now), `suspensions` (how often these stopped consumption for a while).
    """

    def __init__(self) -> None:
        self.commits = Histogram()
        self.commit_failures = 0
        self.rebuilt = {"consumer": 0, "producer": 0}
        self.failures = 0
        self.suspensions = 0


class Failure(NamedTuple):
    """A request that failed, without anything of its payload. place: topic, partition and offset of its record.

    message: as the error envelope has it, which names no value.
    """

    at: datetime
    code: EnumErrorCode
    message: str
    place: tuple[str, int, int]
    node: str | None = None
    operation: str | None = None
    correlation_id: UUID | None = None


class Meter:
    """The outcomes of each node of the contract, and of all others together. whole: from arrival to settlement.

    failures: the last ones, the newest at the end.
    """

    def __init__(self, nodes: Iterable[ModelNodeContract]) -> None:
        self.nodes: Mapping[str, Outcomes] = {
            **{
                node.name: Outcomes(name for entry in node.io_operations for name in entry.operations)
                for node in nodes
            },
            OTHER: Outcomes(),
        }
        self.whole = Histogram()
        self.failures = deque[Failure](maxlen=_FAILURES_KEPT)
        self._other = self.nodes[OTHER]

    def of(self, slug: str | None) -> Outcomes:
        """Where the outcomes of requests to this node are counted."""
        return self.nodes.get(slug or "", self._other)
