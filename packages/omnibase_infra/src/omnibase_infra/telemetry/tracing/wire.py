"""Spans as OTLP has them: the protobuf messages of opentelemetry-proto 1.x, which add fields and change none.

Written by hand: the generated classes take twice as long, on the loop, and are one dependency more. A test reads
what is written here with those classes.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from opentelemetry.trace import StatusCode
from opentelemetry.util.types import AnyValue

from omnibase_infra.telemetry.tracing.context import TraceContext
from omnibase_infra.telemetry.tracing.span import Event, Span

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SHORT: Final = 128
_SHORT_TEXT: Final = _SHORT - 2
_VALUE, _STRING = 2 << 3 | _BYTES, 1 << 3 | _BYTES
_INT_LIMIT: Final = 2**63


def encoded_spans(spans: Iterable[Span], resource: Mapping[str, str], version: str) -> bytes:
    """The body of one ExportTraceServiceRequest. version: the host's."""
    scope = _text(1, "omnibase-infra") + _text(2, version)
    told = _bytes(1, scope) + b"".join(_bytes(2, _span(each)) for each in spans)
    whose = _bytes(1, _attributes(1, resource))
    return _bytes(1, whose + _bytes(2, told))


def rejected_spans(body: bytes) -> int:
    """How many spans a receiver has dropped of those that it took; 0 where its answer says nothing of it."""
    partial = dict(_fields(body)).get(1, b"")
    rejected = dict(_fields(partial)).get(1, 0) if isinstance(partial, bytes) else 0
    return rejected if isinstance(rejected, int) else 0


def _span(span: Span) -> bytes:
    context = span.context
    parts = [
        _bytes(1, context.trace_id.to_bytes(16, "big")),
        _bytes(2, context.span_id.to_bytes(8, "big")),
        _text(3, context.state) if context.state else b"",
        _bytes(4, span.parent.span_id.to_bytes(8, "big")) if span.parent is not None else b"",
        _text(5, span.name),
        _number(6, span.kind.value + 1),
        _TAGS[7, _FIXED64] + span.begin_ns.to_bytes(8, "little"),
        _TAGS[8, _FIXED64] + span.end_ns.to_bytes(8, "little"),
        _attributes(9, span.attributes),
        *(_bytes(11, _event(event)) for event in span.events),
        _bytes(13, _link(span.link)) if span.link is not None else b"",
        _bytes(15, _status(span)) if span.status is not StatusCode.UNSET else b"",
        _TAGS[16, _FIXED32] + context.flags.to_bytes(4, "little"),
    ]
    return b"".join(parts)


def _event(event: Event) -> bytes:
    at = _TAGS[1, _FIXED64] + event.at_ns.to_bytes(8, "little")
    return at + _text(2, event.name) + _attributes(3, event.attributes)


def _link(context: TraceContext) -> bytes:
    ids = _bytes(1, context.trace_id.to_bytes(16, "big")) + _bytes(2, context.span_id.to_bytes(8, "big"))
    state = _text(3, context.state) if context.state else b""
    return ids + state + _TAGS[6, _FIXED32] + context.flags.to_bytes(4, "little")


def _status(span: Span) -> bytes:
    said = _text(2, span.description) if span.description else b""
    return said + _number(3, span.status.value)


def _attributes(field: int, attributes: Mapping[str, AnyValue]) -> bytes:
    tag = _TAGS[field, _BYTES]
    parts: list[bytes] = []
    for key, value in attributes.items():
        told = _key(key)
        if type(value) is str and len(data := value.encode("utf-8", "replace")) < _SHORT_TEXT:
            size = len(data)
            told += bytes((_VALUE, size + 2, _STRING, size)) + data  # what _value makes, in one go
        else:
            told += _bytes(2, _value(value))
        size = len(told)
        parts += (tag, size.to_bytes() if size < _SHORT else _varint(size), told)
    return b"".join(parts)


@lru_cache(maxsize=256)
def _key(key: str) -> bytes:
    return _text(1, key)


def _value(value: AnyValue) -> bytes:
    """An AnyValue; of what it has no kind for, an empty one."""
    if isinstance(value, str):
        return _text(1, value)
    if isinstance(value, bool):
        return _number(2, value)
    if isinstance(value, int):
        return _number(3, value) if -_INT_LIMIT <= value < _INT_LIMIT else _text(1, str(value))
    if isinstance(value, float):
        return _TAGS[4, _FIXED64] + struct.pack("<d", value)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return _bytes(5, b"".join(_bytes(1, _value(each)) for each in value))
    return b""


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode("utf-8", "replace"))


def _bytes(field: int, data: bytes) -> bytes:
    size = len(data)
    return _TAGS[field, _BYTES] + (size.to_bytes() if size < _SHORT else _varint(size)) + data


def _number(field: int, value: int) -> bytes:
    return _TAGS[field, _VARINT] + _varint(value % 2**64)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= _SHORT:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_TAGS: Final = {
    (field, kind): _varint(field << 3 | kind)
    for field in range(1, 17)
    for kind in (_VARINT, _FIXED64, _BYTES, _FIXED32)
}


def _fields(body: bytes) -> Iterable[tuple[int, int | bytes]]:
    """The numbers and byte strings of a message by field; what cannot be read ends it."""
    rest = memoryview(body)
    while rest:
        tag, rest = _read_varint(rest)
        number, rest = _read_varint(rest)
        if tag & 7 == _BYTES:
            yield tag >> 3, bytes(rest[:number])
            rest = rest[number:]
        elif tag & 7 == _VARINT:
            yield tag >> 3, number
        else:
            return


def _read_varint(data: memoryview) -> tuple[int, memoryview]:
    value = 0
    for index, byte in enumerate(data[:10]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < _SHORT:
            return value, data[index + 1 :]
    return 0, data[:0]
