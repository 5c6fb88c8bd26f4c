"""Where contract tests are: in the folder `tests` beside a runtime contract, or where somebody names them."""

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from omnibase_infra.config.files import TESTS, kind_of_file, yaml_files


class TestFiles(NamedTuple):
    """The files, and every place that was looked at for them."""

    files: Sequence[str]
    places: Sequence[str]


def find_tests(contract: str, named: Sequence[str] = ()) -> TestFiles:
    """The files of tests: those named, what is in folders that are named, or what stands beside the contract.

    In a folder a runtime or node contract is passed over; a file that was named is taken as it is.
    """
    places = list(named) or [beside_contract(contract)]
    files = [file for place in places for file in ([place] if _is_file(place, named) else _files(place))]
    return TestFiles(list(dict.fromkeys(files)), places)


def beside_contract(contract: str) -> str:
    """The folder of a runtime contract's tests, whether it is there or not."""
    return os.path.join(os.path.dirname(contract), TESTS)


def _is_file(place: str, named: Sequence[str]) -> bool:
    """Whether a place is a file, or is meant to be one, so that its absence is somebody's mistake."""
    return place in named and not os.path.isdir(place)


def _files(folder: str) -> Iterator[str]:
    yield from (path for path in yaml_files(folder) if kind_of_file(path) not in ("runtime", "node"))
