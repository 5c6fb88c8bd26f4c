"""How things are measured: all sides in each round, in turn, the order turned round every time."""

import gc
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

_T = TypeVar("_T")


class Effort(NamedTuple):
    """How much is measured.

    rounds: how often each side. scale: factor on the number of envelopes or requests. backlog: requests that wait
    in a topic while the memory is looked at; None: as many as fit the scale.
    """

    rounds: int = 7
    scale: float = 1.0
    backlog: int | None = None

    def count(self, full: int) -> int:
        """The number of repetitions where an unscaled run has `full`."""
        return max(10, int(full * self.scale))


def interleaved(effort: Effort, sides: Mapping[str, Callable[[], _T]]) -> dict[str, list[_T]]:
    """What each side gave in each round; the first round warms up and counts only where it is the only one."""
    found: dict[str, list[_T]] = {name: [] for name in sides}
    for number in range(effort.rounds + (effort.rounds > 1)):
        names: Sequence[str] = list(sides)
        for name in names if number % 2 else reversed(names):
            gc.collect()
            found[name].append(sides[name]())
    return {name: values[-effort.rounds :] for name, values in found.items()}
