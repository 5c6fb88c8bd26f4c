"""The `ruff.toml` of the sample's rooms: what they refuse is what ours refuse, and they say what to do instead."""

import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from tests.architecture.source import ROOT
from tests.downstream.project import SAMPLE, Project

_COMPUTE: Final = "acme_orders/compute/order_total.py"
_LEDGER: Final = "acme_orders/handlers/ledger.py"


def bans(path: Path) -> set[str]:
    """The names that a room may not use."""
    settings: dict[str, Any] = tomllib.loads((path / "ruff.toml").read_text())
    return set(settings["lint"]["flake8-tidy-imports"]["banned-api"])


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("acme_orders/compute", "packages/omnibase_core"),
        ("acme_orders/handlers", "packages/omnibase_infra/src/omnibase_infra/handlers"),
    ],
)
def test_a_room_of_the_sample_bans_what_our_room_bans(theirs: str, ours: str) -> None:
    assert bans(SAMPLE / theirs) == bans(ROOT / ours)


def test_the_sample_is_clean(project: Project) -> None:
    ended = project.run(["ruff", "check", "--no-cache"])
    assert ended.code == 0, ended.out


@pytest.mark.parametrize(
    ("file", "code", "said"),
    [
        (_COMPUTE, "from datetime import datetime\nNOW = datetime.now()", "take the time as a field of the input"),
        (_COMPUTE, "from uuid import uuid4\nID = uuid4()", "take the id as a field of the input"),
        (_COMPUTE, "import os\nX = os.environ", "take it as a field of the input"),
        (_LEDGER, "import asyncio\nasyncio.create_task(x())", "the host owns all concurrency"),
        (_LEDGER, "import time\ntime.sleep(1)", "await asyncio.sleep"),
        (_LEDGER, "import requests\nrequests.get", "use an async driver"),
        (_LEDGER, "print(1)", "`print` found"),
    ],
)
def test_what_imports_cannot_show_is_refused_with_advice(
    file: str, code: str, said: str, project: Project
) -> None:
    with project.changed(file, "", f"{code}\n"):
        ended = project.run(["ruff", "check", "--no-cache"])
    assert ended.code == 1
    assert said in ended.out
