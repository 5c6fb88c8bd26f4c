"""The options that say which dead letters a command is about."""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from omnibase_infra.records.selection import Offsets

_Command = TypeVar("_Command", bound=Callable[..., object])
_AGO = re.compile(r"(\d{1,9})(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_OFFSETS = re.compile(r"(\d{1,18})?(-)?(\d{1,18})?")


class Moment(click.ParamType[datetime]):
    """A point in time: RFC 3339, or how long ago: 90s, 30m, 2h, 7d."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment; a date alone begins at midnight, and without an offset it is UTC."""
        from omnibase_infra.host.clock import utc_now

        ago = _AGO.fullmatch(value)
        try:
            if ago:
                return utc_now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            told = datetime.fromisoformat(value)
        except (ValueError, OverflowError):
            self.fail(f"'{value}' is no time: write 2026-01-31T12:00:00Z, or how long ago: 90s, 30m, 2h, 7d")
        return told if told.tzinfo else told.replace(tzinfo=UTC)


class OffsetRange(click.ParamType["Offsets"]):
    """An offset, or a range of them with both ends included: 17, 17-20, 17-, -20."""

    name = "offsets"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Offsets":
        """The range."""
        from omnibase_infra.records.selection import Offsets

        parts = _OFFSETS.fullmatch(value)
        first, dash, last = parts.groups() if parts else (None, None, None)
        if first is None and last is None:
            self.fail(f"'{value}' is no offset: write 17, 17-20, 17- or -20")
        low, high = (None if bound is None else int(bound) for bound in (first, last if dash else first))
        if low is not None and high is not None and high < low:
            self.fail(f"'{value}' is empty: {low} is behind {high}")
        return Offsets(low, high)


class Base64(click.ParamType[bytes]):
    """Bytes, written in base64."""

    name = "base64"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """The bytes."""
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            self.fail(f"'{value}' is no base64")


class Code(click.ParamType[str]):
    """An error code, in capitals or not."""

    name = "code"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The code; fails for what is none, with the nearest."""
        from omnibase_core import suggest
        from omnibase_core.enums import EnumErrorCode

        codes = [code.value for code in EnumErrorCode]
        code = str(value).upper().replace("-", "_")
        if code not in codes:
            self.fail(f"No code '{value}'. {suggest.hint(code, codes, 'The codes are')}")
        return code


partition_option = click.option(
    "--partition", "partitions", metavar="N", type=click.IntRange(0), multiple=True, help="Of these partitions."
)

_OPTIONS = (
    click.option("--code", "codes", metavar="CODE", type=Code(), multiple=True, help="With these error codes."),
    click.option("--node", "nodes", metavar="SLUG", multiple=True, help="For these nodes."),
    click.option("--since", metavar="TIME", type=Moment(), help="Failed then or later: RFC 3339, or 2h for ago."),
    click.option("--until", metavar="TIME", type=Moment(), help="Failed before then."),
    click.option("--key", "keys", metavar="TEXT", multiple=True, help="With these keys."),
    click.option("--key-base64", metavar="BASE64", type=Base64(), multiple=True, help="With these keys of bytes."),
    click.option(
        "--correlation", "correlations", metavar="ID", type=click.UUID, multiple=True, help="With these ids."
    ),
    partition_option,
    click.option(
        "--offset", "offsets", metavar="RANGE", type=OffsetRange(), multiple=True, help="17, 17-20, 17-."
    ),
)


def selection_options(command: _Command) -> _Command:
    """Gives a command these options, and what they say as one argument, `selection`."""

    @wraps(command)
    def gathered(**given: Any) -> object:
        from omnibase_infra.records.selection import Selection

        keys = [*(key.encode() for key in given.pop("keys")), *given.pop("key_base64")]
        selection = Selection(
            codes=frozenset(given.pop("codes")),
            nodes=frozenset(given.pop("nodes")),
            correlation_ids=frozenset(map(str, given.pop("correlations"))),
            keys=frozenset(keys),
            partitions=frozenset(given.pop("partitions")),
            offsets=given.pop("offsets"),
            since=given.pop("since"),
            until=given.pop("until"),
        )
        return command(selection=selection, **given)

    decorated: Any = gathered
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]  # click's options give back what they take
