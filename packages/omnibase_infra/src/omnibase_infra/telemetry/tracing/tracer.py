"""Makes spans, and keeps those that have ended until somebody takes them to be exported."""

import random
from collections import deque
from collections.abc import Callable
from typing import Final

from opentelemetry.trace import SpanKind

from omnibase_infra.telemetry.tracing.context import SAMPLED, TraceContext
from omnibase_infra.telemetry.tracing.span import Attributes, Span

_MOST_WAITING: Final = 4_096
_RATIO_BITS: Final = 64


class Tracer:
    """The maker of a host's spans.

    ratio: the share of traces that are kept, of those that begin here; where a sender began one, its decision
    holds. waiting: ended spans, oldest first. exported, lost: how many were, so far. on_end: told of each that
    begins to wait.
    """

    def __init__(self, ratio: float) -> None:
        self._bound = round(ratio * 2**_RATIO_BITS)
        self.waiting: deque[Span] = deque()
        self.exported = 0
        self.lost = 0
        self.on_end: Callable[[], None] = lambda: None

    def start(
        self,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        parent: TraceContext | None = None,
        *,
        context: TraceContext | None = None,
        link: TraceContext | None = None,
    ) -> Span:
        """A span that begins now. context: as `next_context` gave it; None makes one."""
        context = context or self.next_context(parent)
        return Span(name, kind, context, attributes, self._ended, parent=parent, link=link)

    def next_context(self, parent: TraceContext | None) -> TraceContext:
        """Of a span below this one, or of the first of a trace: whoever wants to know whether it will be kept."""
        return self._root() if parent is None else parent._replace(span_id=_random(64))

    def take(self, count: int) -> list[Span]:
        """The oldest that wait, which wait no longer."""
        waiting = self.waiting
        return [waiting.popleft() for _ in range(min(count, len(waiting)))]

    def _root(self) -> TraceContext:
        """OpenTelemetry's own rule, so that whoever has the same ratio decides alike."""
        trace_id = _random(128)
        sampled = trace_id & (2**_RATIO_BITS - 1) < self._bound
        return TraceContext(trace_id, _random(64), SAMPLED if sampled else 0)

    def _ended(self, span: Span) -> None:
        if len(self.waiting) >= _MOST_WAITING:
            self.lost += 1
            return
        self.waiting.append(span)
        self.on_end()


def _random(bits: int) -> int:
    return random.getrandbits(bits) or 1
