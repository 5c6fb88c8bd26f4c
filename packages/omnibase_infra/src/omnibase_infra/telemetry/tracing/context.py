"""W3C trace context: `traceparent` and `tracestate`, as they stand in headers (https://www.w3.org/TR/trace-context/).

Whatever a sender writes there is taken or left, without a line in the log: anybody may send anything.
"""

import re
from typing import Final, NamedTuple

SAMPLED: Final = 0x01
_PARENT: Final = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?P<more>-.*)?"
)
_STATE: Final = re.compile(r"[!-~](?:[ !-~]{0,510}[!-~])?")


class TraceContext(NamedTuple):
    """A span as others know it. flags: SAMPLED or not. state: what vendors added, passed on as it is."""

    trace_id: int
    span_id: int
    flags: int
    state: str = ""


def read_context(parent: str, state: str = "") -> TraceContext | None:
    """The context of the two headers; None where `traceparent` is none. A bad `tracestate` is left out."""
    found = _PARENT.fullmatch(parent)
    if found is None or (found["version"] == "00" and found["more"]):
        return None
    kept = state if _STATE.fullmatch(state) else ""
    return TraceContext(int(found[2], 16), int(found[3], 16), int(found[4], 16) & SAMPLED, kept)


def context_headers(context: TraceContext) -> list[tuple[str, str]]:
    """The headers that carry a context on."""
    headers = [("traceparent", f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.flags:02x}")]
    return [*headers, ("tracestate", context.state)] if context.state else headers
