"""The console: one page at `/`, its files and its state. docs/console.md says what it shows and to whom."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from omnibase_core.contracts.runtime_host import ModelRuntimeHostContract

from omnibase_infra.admin.door import Door
from omnibase_infra.admin.health import Examine
from omnibase_infra.admin.plain import configuration_html, snapshot_html
from omnibase_infra.admin.server import Answer, Page, Request
from omnibase_infra.admin.state import state_of
from omnibase_infra.config.effective import ModelHandlerValues
from omnibase_infra.host.process import BaseRuntimeHostProcess

_TYPES: Final = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
_HTML: Final = "text/html; charset=utf-8"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_HEADERS: Final = (
    ("content-security-policy", _POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
)


class Console(NamedTuple):
    """What the console needs beside the host. values: of its handlers, as they were when it was put together.

    contract: for what else is configured. dev: whether the page offers what is for development only.
    """

    door: Door
    values: Sequence[ModelHandlerValues] = ()
    contract: ModelRuntimeHostContract | None = None
    dev: bool = False


def console_pages(host: BaseRuntimeHostProcess, look: Examine, console: Console) -> dict[str, Page]:
    """The console's pages by path, behind its door."""
    frame = page_files()["index.html"].decode()
    life = str(host.made_of.clock.new_id())  # tells a page that it talks to another process than before
    configuration = configuration_html(host.made_of.binding, console.values, console.contract)

    async def page(_: Request) -> Answer:
        snapshot = snapshot_html(state_of(host, await look()))
        body = frame.replace("<!-- snapshot -->", snapshot).replace("<!-- configuration -->", configuration)
        return Answer(200, body.encode(), _HTML, _HEADERS)

    async def state(_: Request) -> Answer:
        told = {"life": life, "dev": console.dev, **state_of(host, await look())}
        return Answer(200, json.dumps(told, separators=(",", ":")).encode(), headers=_HEADERS)

    pages = {"/": page, "/console/state.json": state, **_static()}
    return {path: console.door(its) for path, its in pages.items()}


@cache
def page_files() -> Mapping[str, bytes]:
    """The page and its files, read once; for the first time before the loop runs, which no file may hold up."""
    return {file.name: file.read_bytes() for file in (files("omnibase_infra.admin") / "static").iterdir()}


def _static() -> dict[str, Page]:
    """The files beside the page: no path that is asked for ever becomes one of a file."""
    answers = {
        name: Answer(200, content, _TYPES[name.rpartition(".")[2]], _HEADERS)
        for name, content in page_files().items()
        if name != "index.html"
    }
    return {f"/console/{name}": _file(answer) for name, answer in answers.items()}


def _file(answer: Answer) -> Page:
    async def page(_: Request) -> Answer:
        return answer

    return page
