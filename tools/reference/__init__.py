"""The pages of the docs that are written from the code, and nothing in them by hand."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tools.reference.fields import field_reference
from tools.reference.refusals import refusals

ROOT: Final = Path(__file__).resolve().parents[2]

PAGES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {"docs/reference.md": field_reference, "docs/refusals.md": refusals}
)
"""Each page's path from the root, and what writes it."""
