"""What an unquoted YAML text means: YAML 1.2's core schema, without its surprises.

null, true and false (each in three spellings), integers (decimal, `0o17`, `0x1F`) and floats; all else is
text. Where the core schema would still surprise an author we differ: a number with leading zeros (`014`)
is text and neither 12 nor 14; NaN, infinities, integers beyond 64 bits and floats beyond a double are
refused, since JSON carries none of them.
"""

import re
from math import isinf
from typing import Final

Scalar = None | bool | int | float | str

LIST_TAG: Final = "tag:yaml.org,2002:seq"
MAP_TAG: Final = "tag:yaml.org,2002:map"

_TAGGED: Final[dict[str, tuple[type, ...]]] = {
    "tag:yaml.org,2002:null": (type(None),),
    "tag:yaml.org,2002:bool": (bool,),
    "tag:yaml.org,2002:int": (int,),
    "tag:yaml.org,2002:float": (float, int),
}
_STARTERS: Final = frozenset("~nNtTfF+-.0123456789")
_CORE: Final = re.compile(
    r"(?P<null>~|null|Null|NULL|)"
    r"|(?P<true>true|True|TRUE)"
    r"|(?P<false>false|False|FALSE)"
    r"|(?P<int>[-+]?(?:0|[1-9][0-9]*))"
    r"|0o(?P<oct>[0-7]+)"
    r"|0x(?P<hex>[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<special>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_BASES: Final = {"int": 10, "oct": 8, "hex": 16}
_CONSTANTS: Final[dict[str, bool | None]] = {"null": None, "true": True, "false": False}
_LONGEST_INTEGER: Final = 80  # leading zeros of 0o and 0x included; int() itself refuses 4,300 digits


class UnrepresentableNumberError(ValueError):
    """An unquoted text that is a number which JSON cannot carry; the message says why."""


def resolve(text: str) -> Scalar:
    """The value of an unquoted text.

    Raises:
        UnrepresentableNumberError: NaN, an infinity, or a number out of range.
    """
    if text and text[0] not in _STARTERS:
        return text
    match = _CORE.fullmatch(text)
    if match is None or (kind := match.lastgroup) is None:
        return text
    if kind in _CONSTANTS:
        return _CONSTANTS[kind]
    if kind in _BASES:
        return _integer(match[kind], _BASES[kind])
    return _float(text)


def tagged(text: str, tag: str) -> Scalar:
    """The value of a text, quoted or not, behind an explicit tag such as `!!str`.

    Raises:
        ValueError: the tag is none of the core schema's, or does not fit the text.
    """
    if tag == "tag:yaml.org,2002:str":
        return text
    value = resolve(text)
    if type(value) not in _TAGGED.get(tag, ()):
        raise ValueError(tag)
    return float(value) if isinstance(value, int) and tag.endswith(":float") else value


def _integer(digits: str, base: int) -> int:
    value = int(digits, base) if len(digits) <= _LONGEST_INTEGER else 2**63
    if not -(2**63) <= value < 2**63:
        raise UnrepresentableNumberError("An integer beyond 64 bits")
    return value


def _float(text: str) -> float:
    if text[-1] in "fFnN":
        raise UnrepresentableNumberError("NaN and infinities are no values")
    value = float(text)
    if isinf(value):
        raise UnrepresentableNumberError("A number beyond the range of a double")
    return value
