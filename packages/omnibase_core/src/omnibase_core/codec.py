"""Bytes to envelopes and back: strict (FORMATS 1), and the hot path.

Two readers. The fast one is pydantic's JSON validator, which holds every field's form but lets three things
through: duplicate keys, numbers beyond range inside `payload` and `metadata`, and deep nesting. One walk
over the result finds the last two, and counts keys: as many in the result as were written means that none stood
twice.
On any doubt the slow reader decides alone; it is the only one that refuses, so every refusal has the same
words and a JSON path.
"""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from pydantic import JsonValue, ValidationError
from pydantic_core import from_json, to_json

from omnibase_core.codec_wording import field_sentence, syntax_sentence
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import EnvelopeValidationError, PayloadTooLargeError, shown

MAX_DEPTH: Final = 32
MAX_ENVELOPE_BYTES: Final = 1_048_576
_INT_LIMIT: Final = 2**63
_INT_DIGITS: Final = 20
_CONTAINERS: Final = (dict, list)
_WHITE_SPACE: Final = b" \t\r\n"

_validate_json: Callable[[bytes], ModelOnexEnvelope] = ModelOnexEnvelope.__pydantic_validator__.validate_json
_to_json: Callable[[ModelOnexEnvelope], bytes] = ModelOnexEnvelope.__pydantic_serializer__.to_json

_read = itemgetter("ttl_seconds", "metadata", "payload", "error")


class _DoubtError(Exception):
    """The fast reader cannot tell; the slow one decides."""


class _Refused:
    """Stands in the slow reader's tree where a value has no place in an envelope."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def decode(raw: bytes, limit: int = MAX_ENVELOPE_BYTES) -> ModelOnexEnvelope:
    """The envelope that these bytes are.

    Raises PayloadTooLargeError over `limit` bytes, else EnvelopeValidationError with the JSON path of what is
    wrong (`$` and an offset for a syntax error), never the value.
    """
    if len(raw) > limit:
        raise PayloadTooLargeError(
            f"the envelope has {len(raw)} bytes, the limit is {limit}; send less, or a reference to the data"
        )
    try:
        envelope = _validate_json(raw)
        ttl_seconds, metadata, payload, error = _read(envelope.__dict__)
        if ttl_seconds is not None and ttl_seconds >= _INT_LIMIT:
            raise _DoubtError
        keys = len(envelope.__pydantic_fields_set__)
        if metadata:
            keys += _count(metadata, 2)
        if payload:
            keys += _count(payload, 2)
        if error is not None:
            keys += len(error.model_fields_set) + _count(error.details, 3)
        if _wrote(keys, raw):
            return envelope
    except (ValidationError, _DoubtError):
        pass
    return _decode_slowly(raw)


def encode(envelope: ModelOnexEnvelope) -> bytes:
    """The envelope as compact JSON in UTF-8.

    The payload must hold JSON values only: pass a handler's raw result through `check_json` first.
    """
    return _to_json(envelope)


def written(timestamp: datetime) -> str:
    """The timestamp as `encode` writes it."""
    return to_json(timestamp)[1:-1].decode()


def check_json(value: JsonObject, path: str = "$.payload") -> None:
    """Refuses what our own decoder would refuse or change: NaN, sets, Decimals, 2**64, too much depth.

    Raises EnvelopeValidationError with the path of the first such value.
    """
    if not _is_plain(value, 2):
        problem = _first_problem(value, path, 2)
        if problem is not None:
            raise EnvelopeValidationError(problem[1], path=problem[0])


def are_plain(values: Iterable[JsonValue]) -> bool:
    """Whether the values of an object surely pass `check_json`, where the rest of the object does."""
    return _is_plain(values, 2)


def parse_json(raw: bytes) -> JsonValue:
    """Foreign JSON that can stand in a payload; raises EnvelopeValidationError for any other text.

    A key that stands twice in its object is refused, as in envelopes.
    """
    try:
        value: JsonValue = from_json(raw, allow_inf_nan=False)
    except ValueError:
        raise EnvelopeValidationError("not JSON", path="$.payload.body") from None
    check_json({"body": value})
    if raw.translate(None, _WHITE_SPACE).count(b'":') != _count([value], 2):
        problem = _first_problem({"body": _parse(raw)}, "$.payload", 2)
        if problem is not None:
            raise EnvelopeValidationError(problem[1], path=problem[0])
    return value


def _is_plain(value: Any, depth: int) -> bool:
    """Whether all of it can stand in an envelope; False also where only the slow walk can tell."""
    if depth > MAX_DEPTH:
        return False
    if type(value) is dict:
        if not _are_texts(value):
            return False
        value = value.values()
    for item in value:
        kind = type(item)
        if not (
            (kind is str and (item.isascii() or _encodable(item)))
            or (kind is int and -_INT_LIMIT <= item < _INT_LIMIT)
            or (kind is float and item - item == 0.0)
            or kind is bool
            or item is None
            or (kind in _CONTAINERS and ((not item and depth < MAX_DEPTH) or _is_plain(item, depth + 1)))
        ):
            return False
    return True


def _are_texts(keys: Iterable[str]) -> bool:
    try:
        together = "".join(keys)
    except TypeError:
        return False
    return together.isascii() or _encodable(together)


def _count(value: Any, depth: int) -> int:
    """Keys in what pydantic made of JSON; _DoubtError for what an envelope may not hold."""
    if depth > MAX_DEPTH:
        raise _DoubtError
    keys = 0
    if type(value) is dict:
        keys = len(value)
        value = value.values()
    for item in value:
        kind = type(item)
        if kind is str or item is None or kind is bool:
            continue
        if kind is int:
            if not -_INT_LIMIT <= item < _INT_LIMIT:
                raise _DoubtError
        elif kind is dict or kind is list:
            keys += _count(item, depth + 1)
        elif item - item != 0.0:  # a float: JSON has nothing else
            raise _DoubtError
    return keys


def _wrote(keys: int, raw: bytes) -> bool:
    """Whether the text surely has no more keys than this; every key that is written has a colon of its own.

    Two further colons are in the timestamp, unless they are escaped: so without backslashes, two more than
    there are keys leave none for another key. Else what counts is `":` without white space between, which each
    written key has, and a text may hold too.
    """
    if raw.find(b"\\") < 0 and raw.count(b":") == keys + 2:  # `in` takes twice as long for one byte
        return True
    return raw.translate(None, _WHITE_SPACE).count(b'":') == keys


def _decode_slowly(raw: bytes) -> ModelOnexEnvelope:
    tree = _parse(raw)
    if type(tree) is not dict:
        raise EnvelopeValidationError("an envelope is a JSON object")
    problem = _first_problem(tree, "$", 1)
    if problem is not None:
        raise EnvelopeValidationError(problem[1], path=problem[0])
    try:
        # Written anew, since pydantic's parser refuses a few numbers that are in range (4301 digits and e-4300).
        return _validate_json(json.dumps(tree).encode())
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=True, include_url=False)[0]
        raise EnvelopeValidationError(field_sentence(first), path=_field_path(first)) from None


def _parse(raw: bytes) -> object:
    try:
        return json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_pairs,
            parse_constant=lambda name: _Refused(f"{name} is no JSON number"),
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        message, offset = f"invalid UTF-8 at byte {error.start}", error.start
    except json.JSONDecodeError as error:
        offset = len(error.doc[: error.pos].encode("utf-8", "surrogatepass"))
        message = syntax_sentence(error.msg, offset)
    except RecursionError:
        raise EnvelopeValidationError(f"nested deeper than {MAX_DEPTH} levels") from None
    raise EnvelopeValidationError(message, offset=offset) from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) < len(pairs):
        seen = set[str]()
        for key, _ in pairs:
            if key in seen:
                tree[key] = _Refused("the key stands twice in its object")
            seen.add(key)
    return tree


def _integer(digits: str) -> int | _Refused:
    number = int(digits) if len(digits) <= _INT_DIGITS else _INT_LIMIT
    return number if -_INT_LIMIT <= number < _INT_LIMIT else _Refused("the integer is beyond 64 bits")


def _first_problem(value: object, path: str, depth: int) -> tuple[str, str] | None:
    """Path and reason of the first value, in document order, that an envelope may not hold."""
    if isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            return path, f"nested deeper than {MAX_DEPTH} levels"
        return _first_problem_inside(value, path, depth)
    reason = _scalar_problem(value)
    return None if reason is None else (path, reason)


def _first_problem_inside(
    value: dict[object, object] | list[object], path: str, depth: int
) -> tuple[str, str] | None:
    if isinstance(value, list):
        items = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    else:
        items = [(f"{path}.{shown(str(key))}", item) for key, item in value.items()]
        for key in value:
            if not isinstance(key, str) or not _encodable(key):
                return f"{path}.{shown(str(key))}", "a key must be text of valid Unicode"
    for item_path, item in items:
        problem = _first_problem(item, item_path, depth + 1)
        if problem is not None:
            return problem
    return None


def _scalar_problem(value: object) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, _Refused):
        return value.reason
    if isinstance(value, str):
        return None if _encodable(value) else "a lone surrogate is no Unicode text"
    if isinstance(value, int):
        return None if -_INT_LIMIT <= value < _INT_LIMIT else "the integer is beyond 64 bits"
    if isinstance(value, float):
        return None if value - value == 0.0 else "the number is beyond the range of a double"
    return "not a JSON value"


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _field_path(error: Any) -> str:
    field = error.get("ctx", {}).get("field")
    parts = [*error["loc"], *([field] if field else [])]
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{shown(str(part))}" for part in parts)
