"""The topic grammar: `onex.<tenant>.<domain>.<direction>.v<N>` (SPEC 3.3), as pure functions."""

import re
from typing import Final, NamedTuple

from omnibase_core import suggest
from omnibase_core.errors import shown

FIELD_DIRECTIONS: Final = {"input": "cmd", "output": "evt", "dead_letter": "error"}
"""The direction that each topic field of a runtime contract takes."""

DIRECTIONS: Final = ("cmd", "evt", "error", "state", "log")
RESERVED_TENANTS: Final = ("internal", "debug", "metrics", "health", "admin")
MAX_TOPIC_CHARACTERS: Final = 249

_FORM: Final = "onex.<tenant>.<domain>.<direction>.v<N>"
_SEGMENT: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
_VERSION: Final = re.compile(r"v[1-9][0-9]*")


class TopicError(ValueError):
    """A name that is no topic; the message names the exact fault, in a sentence without its full stop."""


class Topic(NamedTuple):
    """A topic by its parts; `str` of it is the name."""

    tenant: str
    domain: str
    direction: str
    version: int

    def __str__(self) -> str:
        return f"onex.{self.tenant}.{self.domain}.{self.direction}.v{self.version}"


def parse_topic(name: str) -> Topic:
    """The parts of a topic name. Raises TopicError for the first fault, from left to right."""
    if len(name) > MAX_TOPIC_CHARACTERS:
        raise TopicError(f"the name has {len(name)} characters; a topic has at most {MAX_TOPIC_CHARACTERS}")
    segments = name.split(".")
    if "" in segments:
        raise TopicError(f"segment {segments.index('') + 1} is empty; a topic is {_FORM}")
    if any(character.isupper() for character in name):
        raise TopicError(f"uppercase letters are not allowed; write '{shown(name.lower(), 249)}'")
    if segments[0] != "onex":
        raise TopicError(f"the prefix is '{shown(segments[0])}'; every topic starts with 'onex.'")
    return _parse_segments(segments)


def check_topic(name: str, direction: str | None = None) -> str | None:
    """What is wrong with a topic name, as a sentence without its full stop; None where nothing is.

    direction: the one that is wanted where the name stands, if only one is.
    """
    try:
        topic = parse_topic(name)
    except TopicError as error:
        return str(error)
    if direction in (None, topic.direction):
        return None
    return f"the direction is '{topic.direction}'; here it must be '{direction}'"


def local_topics(host: str) -> dict[str, str]:
    """The topics, by field, that the in-memory bus of a host uses where its contract names none."""
    return {field: f"onex.local.{host}.{direction}.v1" for field, direction in FIELD_DIRECTIONS.items()}


def _parse_segments(segments: list[str]) -> Topic:
    for number, segment in enumerate(segments, start=1):
        if _SEGMENT.fullmatch(segment) is None:
            raise TopicError(
                f"segment {number}, '{shown(segment)}', has other characters than a-z, 0-9, _ and -, "
                "or does not start with a letter or digit"
            )
    if len(segments) > 1 and segments[1] in RESERVED_TENANTS:
        raise TopicError(f"the tenant '{segments[1]}' is reserved; reserved are {', '.join(RESERVED_TENANTS)}")
    if len(segments) > 3 and segments[3] not in DIRECTIONS:
        near = suggest.closest(segments[3], DIRECTIONS)
        meant = f" (did you mean '{near}'?)" if near else ""
        raise TopicError(f"'{shown(segments[3])}' is no direction{meant}; directions are {', '.join(DIRECTIONS)}")
    if len(segments) < 4:
        raise TopicError(f"the name has {len(segments)} of 5 segments; a topic is {_FORM}")
    if len(segments) == 4:
        raise TopicError(f"the version is missing; add '.v1': a topic is {_FORM}")
    if len(segments) > 5:
        raise TopicError(f"the name has {len(segments)} segments, a topic has 5: {_FORM}")
    if _VERSION.fullmatch(segments[4]) is None:
        raise TopicError(f"the version is '{shown(segments[4])}'; write v and a number from 1, such as v1")
    return Topic(segments[1], segments[2], segments[3], int(segments[4][1:]))
