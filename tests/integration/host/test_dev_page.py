"""docs/dev.md, played: one terminal that runs, and the commands of another beside it."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.conftest import require_postgres
from tools import docs_check

PAGE = docs_check.read(docs_check.ROOT / "docs" / "dev.md")
LIMIT_S = 30


def test_the_page_is_what_two_terminals_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_postgres()
    assert list(docs_check.played(PAGE, "session", str(tmp_path))) == []
    enter, terminal = [step for block in blocks("dev terminal") for step in docs_check.steps_of(block)]
    printed = tmp_path / "printed.txt"
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("ONEX_DEV_HTTP", "127.0.0.1:0")
    with printed.open("w") as output:
        process = subprocess.Popen(  # noqa: S602 - the page's own command
            f"{enter.command} && exec {terminal.command}",
            shell=True,
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            said(printed, "Ctrl-C", 1)
            port = re.findall(r"http://127\.0\.0\.1:(\d+)/", printed.read_text())[0]
            monkeypatch.setenv("ONEX_DEV_HTTP", f"127.0.0.1:{port}")
            for number, block in enumerate(blocks("dev session"), 1):
                assert list(docs_check.played(replace(PAGE, blocks=[block]), "dev session", str(tmp_path))) == []
                said(printed, "reloaded", number)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(LIMIT_S) == 0
    text = printed.read_text().replace(f":{port}/", ":8642/").replace(f" --http {port}", "")
    assert terminal.shows(text), text


def blocks(mark: str) -> list[docs_check.Block]:
    """Those of the page with this mark."""
    return [block for block in PAGE.blocks if block.mark == mark]


def said(file: Path, text: str, times: int) -> None:
    """Returns when the text is in the file so often."""
    deadline = time.monotonic() + LIMIT_S
    while file.read_text().count(text) < times:
        assert time.monotonic() < deadline, file.read_text()
        time.sleep(0.02)
