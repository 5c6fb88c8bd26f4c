"""Dead letters as tables, as JSON, and one as a whole. Imported within commands only.

A table and a list never hold a payload; what comes from outside is made safe for a terminal.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from omnibase_spi.topic_log import Partition
from pydantic import JsonValue

from omnibase_infra.cli.command import counted
from omnibase_infra.cli.showing import printable
from omnibase_infra.records.dead_letter import DeadLetter, moment, original_headers
from omnibase_infra.records.progress import Progress
from omnibase_infra.records.purge import PartitionPurge
from omnibase_infra.records.replay import Tally

COLUMNS = (
    "partition",
    "offset",
    "failed at",
    "code",
    "stage",
    "node",
    "operation",
    "correlation id",
    "key",
    "attempts",
    "replays",
    "replayed",
)
_NARROW = {"failed at": 20, "correlation id": 36}
_KEY_CHARS = 32
_MORE = "…"

Replayed = Mapping[Partition, Progress] | None


class LetterTable:
    """Rows of a table whose columns are as wide as the first rows need."""

    def __init__(self, replayed: Replayed) -> None:
        self._replayed = replayed
        self._widths: Sequence[int] = ()

    def lines(self, letters: Sequence[DeadLetter]) -> Iterable[str]:
        """The lines of these letters, the head before the first."""
        rows = [_row(letter, self._replayed) for letter in letters]
        if not self._widths:
            self._widths = [
                max(len(name), _NARROW.get(name, 0), *(len(row[index]) for row in rows))
                for index, name in enumerate(COLUMNS)
            ]
            yield self._line(COLUMNS)
        yield from map(self._line, rows)

    def _line(self, cells: Sequence[str]) -> str:
        return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, self._widths, strict=True)).rstrip()


def letter_json(letter: DeadLetter, replayed: Replayed) -> dict[str, JsonValue]:
    """What a list tells of a letter; neither its payload nor its headers."""
    return {
        "topic": letter.record.partition.topic,
        "partition": letter.record.partition.number,
        "offset": letter.record.offset,
        "timestamp": time_text(moment(letter.record.timestamp_ms)),
        "failed_at": time_text(letter.failed_at),
        "code": letter.code,
        "stage": letter.stage,
        "node": letter.node,
        "operation": letter.operation,
        "correlation_id": letter.correlation_id,
        "envelope_id": None if letter.envelope is None else str(letter.envelope.envelope_id),
        "key": bytes_json(letter.record.key),
        "attempts": letter.attempts,
        "replay_count": letter.replays,
        "replayed": _is_replayed(letter, replayed),
    }


def whole_json(letter: DeadLetter, replayed: Replayed) -> dict[str, JsonValue]:
    """Everything about a letter, its payload too."""
    origin = letter.origin
    return {
        **letter_json(letter, replayed),
        "reason": letter.reason,
        "origin": {
            "topic": origin.topic,
            "partition": origin.partition,
            "offset": origin.offset,
            "group": origin.group,
        },
        "delivery_count": letter.deliveries,
        "headers": [{"name": name, "value": bytes_json(value)} for name, value in original_headers(letter.record)],
        "value": bytes_json(letter.record.value),
        "value_omitted_bytes": letter.omitted_bytes,
    }


def whole_text(letter: DeadLetter, replayed: Replayed) -> str:
    """Everything about a letter, for people."""
    told = whole_json(letter, replayed)
    origin = letter.origin
    came = f"{origin.topic or '?'}[{_text(origin.partition)}]@{_text(origin.offset)}, group {origin.group or '?'}"
    rows = {
        "record": f"{told['topic']}[{told['partition']}]@{told['offset']}, {told['timestamp']}",
        "failed at": told["failed_at"],
        "code": letter.code or "none: no host of this kind wrote it",
        "reason": letter.reason,
        "stage": letter.stage,
        "node": letter.node,
        "operation": letter.operation,
        "correlation id": letter.correlation_id,
        "envelope id": told["envelope_id"],
        "came from": came,
        "attempts": letter.attempts,
        "deliveries": letter.deliveries,
        "replays": letter.replays,
        "replayed": _yes_no(_is_replayed(letter, replayed)),
        "key": _bytes_text(letter.record.key),
    }
    lines = [f"{name:<16}{printable(_text(value))}" for name, value in rows.items()]
    lines += ["headers", *(f"  {_header(name, value)}" for name, value in original_headers(letter.record))]
    return "\n".join([*lines, "value", *(f"  {printable(line)}" for line in _value_lines(letter))])


def summary(letters: Counter[str], replayed: int | None) -> str:
    """How many of each code, the most frequent first."""
    total = letters.total()
    codes = ", ".join(f"{count:,} {printable(code)}" for code, count in letters.most_common())
    known = "" if replayed is None else f"; {replayed or 'none'} of them replayed"
    return f"{counted(total, 'dead letter')}{': ' if codes else ''}{codes}{known if total else ''}"


def tally_json(tally: Tally, dry_run: bool) -> dict[str, JsonValue]:
    """The figures of a replay."""
    return {
        "dry_run": dry_run,
        "selected": tally.selected,
        "replayed_before": tally.before,
        "refused": tally.refused,
        "without_value": tally.without_value,
        "due": tally.due,
        "expired": tally.expired,
        "sent": tally.sent,
    }


def purge_json(plan: PartitionPurge, done: bool) -> dict[str, JsonValue]:
    """What a purge takes from one partition."""
    return {
        "topic": plan.partition.topic,
        "partition": plan.partition.number,
        "first_offset": plan.start,
        "last_offset": plan.end - 1,
        "dead_letters": plan.letters,
        "never_replayed": plan.unreplayed,
        "purged": done,
    }


def purge_line(plan: PartitionPurge) -> str:
    """The same for people."""
    left = f", {plan.unreplayed:,} of them never replayed" if plan.unreplayed else ""
    where = f"partition {plan.partition.number}, offsets {plan.start} to {plan.end - 1}"
    return f"{where}: {counted(plan.letters, 'dead letter')}{left}"


def bytes_json(value: bytes | None) -> JsonValue:
    """Bytes in JSON: text where they are text, else {"base64": …}."""
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def time_text(at: datetime) -> str:
    """RFC 3339 with milliseconds, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _row(letter: DeadLetter, replayed: Replayed) -> Sequence[str]:
    key = _bytes_text(letter.record.key)
    cells: Sequence[object] = (
        letter.record.partition.number,
        letter.record.offset,
        time_text(letter.failed_at)[:19] + "Z",
        letter.code,
        letter.stage,
        letter.node,
        letter.operation,
        letter.correlation_id,
        key if len(key) <= _KEY_CHARS else key[: _KEY_CHARS - 1] + _MORE,
        letter.attempts,
        letter.replays,
        _yes_no(_is_replayed(letter, replayed)),
    )
    return [printable(_text(cell)) for cell in cells]


def _is_replayed(letter: DeadLetter, replayed: Replayed) -> bool | None:
    if replayed is None:
        return None
    progress = replayed.get(letter.record.partition)
    return progress is not None and letter.record.offset in progress


def _yes_no(known: bool | None) -> str:
    return "?" if known is None else "yes" if known else "no"


def _text(value: object) -> str:
    return "-" if value is None or value == "" else str(value)


def _bytes_text(value: bytes | None) -> str:
    """Bytes for people: text as it is, and every byte that is none as \\xnn."""
    return "-" if value is None else value.decode("utf-8", "backslashreplace")


def _header(name: str, value: bytes) -> str:
    return printable(f"{name}: {_bytes_text(value)}")


def _value_lines(letter: DeadLetter) -> Sequence[str]:
    value = letter.record.value
    if letter.omitted_bytes is not None:
        return [f"{letter.omitted_bytes:,} bytes, for which this topic had no room; read them where it came from"]
    if value is None:
        return ["none"]
    if letter.envelope is not None:
        return json.dumps(json.loads(value), indent=2, ensure_ascii=False).split("\n")
    return _bytes_text(value).split("\n")
