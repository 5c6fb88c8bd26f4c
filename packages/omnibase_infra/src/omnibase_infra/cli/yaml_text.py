"""JSON values as YAML that people read and our reader reads back as it was. Imported within commands only.

Texts stand in double quotes, with JSON's escapes, so that none is taken for a number, a date or a boolean.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

_WIDTH: Final = 100
_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_WORDS: Final = frozenset("null true false yes no on off y n".split())  # noqa: SIM905 - as words


def yaml_lines(value: JsonValue, indent: int = 0) -> list[str]:
    """The lines of a value in block style; what is short stands in one line."""
    margin = " " * indent
    if isinstance(value, dict) and value:
        return [line for key, item in value.items() for line in _entry(f"{margin}{_key(key)}:", item, indent)]
    if isinstance(value, list) and value:
        return [line for item in value for line in _item(item, indent)]
    return [margin + flow(value)]


def flow(value: JsonValue) -> str:
    """The value in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _scalar(value)


def _entry(head: str, item: JsonValue, indent: int) -> Iterator[str]:
    short = f"{head} {flow(item)}"
    if not isinstance(item, dict | list) or not item or (_is_flat(item) and len(short) <= _WIDTH):
        yield short
        return
    yield head
    yield from yaml_lines(item, indent + 2)


def _item(item: JsonValue, indent: int) -> Iterator[str]:
    margin = " " * indent
    short = f"{margin}- {flow(item)}"
    if not isinstance(item, dict | list) or not item or (_is_flat(item) and len(short) <= _WIDTH):
        yield short
        return
    first, *rest = yaml_lines(item, indent + 2)
    yield f"{margin}- {first.lstrip()}"
    yield from rest


def _is_flat(value: JsonValue) -> bool:
    """Whether a list or object holds nothing that is deeper than a scalar."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not any(isinstance(item, dict | list) and item for item in items)


def _key(key: str) -> str:
    return key if _KEY.fullmatch(key) and key.lower() not in _WORDS else _scalar(key)


def _scalar(value: JsonValue) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x1_0000 else f"\\U{number:08x}"
