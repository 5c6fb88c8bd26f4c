"""What a program of ours does before it imports anything heavy."""

import sys

from omnibase_infra.host.collector import rest_while_starting


def begin() -> None:
    """Lets the garbage collector rest until the host is up, and leaves out what no host has a use for.

    httpx imports its command line where it can, with click, rich and pygments: 5 MB and a tenth of a start.
    """
    rest_while_starting()
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # Python's sign for: not to be imported
