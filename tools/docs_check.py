"""`uv run python -m tools.docs_check`: what the docs show is true.

Every fenced block of README.md, docs/ and the packages' READMEs is checked by its language, or says why not
in a comment on the line before it:

    python            runs, all blocks of a page in one namespace
    yaml              parses; a runtime or node contract passes the validator, its nodes being blocks of the page
    json              parses
    bash, console     each command stands in the file that CHECKED names, or is one that onex-host understands
    <!-- docs: run -->                  a bash block that is run, in an empty folder
    <!-- docs: file NAME -->            a block that is a file in the folder of the page's sessions
    <!-- docs: session -->              a console block that is run: each command in the page's folder, one after
                                        the other, and what is shown below it is what it prints and nothing else;
                                        `…` in a line stands for what differs between runs, alone for any lines
    <!-- docs: broker session -->      the same, run with a broker by tests/integration/commands/test_pages.py
    <!-- docs: services session -->    the same, run with Vault, Consul and PostgreSQL by tests/integration/secrets
    <!-- docs: dev session -->          the same, beside a `dev terminal`, whose command runs meanwhile and prints
                                        what is shown below it, by tests/integration/host/test_dev_page.py
    <!-- docs: output of COMMAND -->    a block that equals what the command prints
    <!-- docs: fragment, WHY -->        yaml or json that parses and is no whole contract
    <!-- docs: skip, WHY -->            nothing is checked

Links within the repository resolve, headings included. Pages that `python -m tools.reference` writes are what it
would write now. To check more, add a function to CHECKS.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import yaml
from omnibase_core.contracts.findings import Refusal
from omnibase_core.contracts.load import load_contract, load_node
from omnibase_core.contracts.reading import FileRefusal
from omnibase_core.problems import ModelProblem

from tools.reference import PAGES

ROOT: Final = Path(__file__).resolve().parents[1]

CHECKED: Final[Mapping[str, str]] = {
    "uv run pytest": ".ci/run",
    "uv sync --locked": ".ci/run",
    "uv run lint-imports": ".ci/run",
    "uv run mypy": ".ci/run",
    "uv run ruff check": ".ci/run",
    "uv run ruff format --check": ".ci/run",
    "uv run python -m tools.docs_check": ".ci/run",
    "uv run python -m tools.wheel_check": ".ci/run",
    ".ci/run": ".github/workflows/ci.yml",
    "uv build --all-packages --no-sources": "tools/wheel_check.py",
    "pip install uv": ".ci/run",
    "uv run python -m tools.services fetch kafka postgres": ".ci/run",
    "uv run python -m tools.services build vault consul": ".ci/run",
    "uv run python -m tools.services up kafka --json": "tests/tools/test_services.py",
    "uv run python -m tools.services up kafka": "tests/tools/test_services.py",
    "uv run python -m tools.services status": "tests/tools/test_services.py",
    "uv run python -m tools.services down": "tests/tools/test_services.py",
    "uv run python -m tools.soak": ".ci/run",
    "uv run onex-host demo": ".ci/run",
    "onex-host demo": "tools/wheel_check.py",
}

_FENCE: Final = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<language>[\w+-]*)\s*$")
_MARK: Final = re.compile(
    r"<!-- docs: (?P<kind>run|file|(?:broker |services |dev )?session|dev terminal|skip|fragment|output of)"
    r"(?:,? (?P<rest>.+?))? -->"
)
_LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)|!\[[^\]]*\]\((?P<image>[^)\s]+)\)")
_TIMEOUT_S: Final = 300
_END: Final = "\x1e"
_UNCHECKED: Final = frozenset({"", "text", "mermaid", "sql", "ini", "toml", "diff", "http"})


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line of its fence, and the mark before it."""

    language: str
    text: str
    line: int
    mark: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Page:
    """One Markdown file, split into its blocks and its prose (line number and text)."""

    path: Path
    blocks: Sequence[Block]
    prose: Sequence[tuple[int, str]]
    headings: frozenset[str] = field(default_factory=frozenset)

    @property
    def shown(self) -> str:
        """Its path as findings name it."""
        return os.path.relpath(self.path, ROOT)


Finding = tuple[int, str]
Check = Callable[[Page], Iterator[Finding]]


def pages() -> Sequence[Path]:
    """What people read."""
    found = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "packages").glob("*/README.md")]
    return sorted(path for path in found if path.is_file())


def read(path: Path) -> Page:
    """Splits a Markdown file into blocks and prose."""
    blocks: list[Block] = []
    prose: list[tuple[int, str]] = []
    lines = iter(enumerate(path.read_text(encoding="utf-8").splitlines(), 1))
    mark: re.Match[str] | None = None
    for number, line in lines:
        if opening := _FENCE.match(line):
            text = "\n".join(_until(opening, lines))
            kind, reason = (mark["kind"], mark["rest"] or "") if mark else ("", "")
            blocks.append(Block(opening["language"], text + "\n", number, kind, reason))
            mark = None
        else:
            prose.append((number, line))
            mark = _MARK.search(line) or (None if line.strip() else mark)
    return Page(path, blocks, prose, frozenset(_anchor(text) for _, text in prose if text.startswith("#")))


def _until(opening: re.Match[str], lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    for _, line in lines:
        if line.strip() == opening["fence"]:
            return
        yield line.removeprefix(opening["indent"])


def _anchor(heading: str) -> str:
    text = re.sub(r"[^\w\- ]", "", heading.lstrip("#").strip().lower())
    return text.replace(" ", "-")


def marks(page: Page) -> Iterator[Finding]:
    """A block that is left out says why; a block in a language that nobody checks is marked."""
    for block in page.blocks:
        if block.mark in {"file", "skip", "fragment", "output of"} and not block.reason:
            yield block.line, f"'docs: {block.mark}' needs a reason: <!-- docs: {block.mark}, why -->"
        if block.mark.endswith(("session", "terminal")) and block.language != "console":
            yield block.line, "a session is a console block"
        if not block.mark and block.language not in _UNCHECKED and block.language not in _LANGUAGES:
            yield block.line, f"nothing checks '{block.language}': mark the block with <!-- docs: skip, why -->"


def links(page: Page) -> Iterator[Finding]:
    """A link within the repository leads to a file, and to a heading of it where it names one."""
    for number, line in page.prose:
        for match in _LINK.finditer(line):
            target = match["target"] or match["image"]
            if not re.match(r"[a-z]+:", target) and (problem := _broken(page, target)):
                yield number, problem


def _broken(page: Page, target: str) -> str | None:
    name, _, anchor = target.partition("#")
    path = (page.path.parent / name).resolve() if name else page.path
    if not path.exists():
        return f"the link '{target}' leads nowhere"
    if anchor and path.suffix == ".md" and anchor not in read(path).headings:
        return f"the link '{target}' names a heading that is not there"
    return None


def python(page: Page) -> Iterator[Finding]:
    """The Python blocks of a page run, one after the other, in one namespace and an empty folder."""
    code = [(block.line, block.text) for block in page.blocks if block.language == "python" and not block.mark]
    if not code:
        return
    program = "import json, sys\nfor line, text in json.loads(sys.argv[1]):\n"
    program += "    exec(compile('\\n' * line + text, sys.argv[2], 'exec'))\n"
    done = _run([sys.executable, "-c", program, json.dumps(code), page.shown])
    if done.returncode:
        yield code[0][0], f"the Python blocks fail:\n{done.stderr}"


def data(page: Page) -> Iterator[Finding]:
    """YAML and JSON parse; a file of JSON lines line by line, unless it is wrong on purpose."""
    for block in page.blocks:
        if block.mark in {"", "file", "fragment"} and block.language in {"yaml", "json"}:
            lines = block.text.splitlines() if block.reason.endswith(".jsonl") else [block.text]
            try:
                for text in lines:
                    json.loads(text) if block.language == "json" else yaml.safe_load(text)
            except (yaml.YAMLError, ValueError) as error:
                yield block.line, f"this is no {block.language}: {error}"


def contracts(page: Page) -> Iterator[Finding]:
    """A YAML block that is a contract is a valid one; the nodes that it names are blocks of the same page."""
    found = {
        block: _mapping(block) for block in page.blocks if block.language == "yaml" and block.mark in {"", "file"}
    }
    nodes = {f"{value['name']}.yaml": block for block, value in found.items() if "node_type" in value}

    def reader(path: str) -> bytes | FileRefusal:
        block = files.get(path) or nodes.get(path.rpartition("/")[2])
        return (
            block.text.encode() if block else FileRefusal(Refusal("it is no block of this page"), is_missing=True)
        )

    for block, value in found.items():
        files = {page.shown: block}
        if "runtime" in value:
            yield from _problems(block, load_contract(page.shown, reader, None).problems)
        elif "node_type" in value:
            yield from _problems(block, load_node(page.shown, reader).problems)


def _mapping(block: Block) -> dict[str, object]:
    try:
        value = yaml.safe_load(block.text)
    except yaml.YAMLError:
        return {}
    return value if isinstance(value, dict) else {}


def _problems(block: Block, problems: Sequence[ModelProblem]) -> Iterator[Finding]:
    for problem in problems:
        if problem.severity == "error":
            yield block.line + (problem.line or 0), f"the contract is not valid: {problem.message}"


def commands(page: Page) -> Iterator[Finding]:
    """A command is run here, or is one that a check of this repository runs, or that onex-host understands."""
    for block in page.blocks:
        if block.language not in {"bash", "console"} or block.mark in {
            "skip",
            "file",
            "session",
            "services session",
            "dev session",
            "dev terminal",
        }:
            continue
        if block.mark == "run":
            done = _run(["bash", "-euo", "pipefail", "-c", block.text])
            if done.returncode:
                yield block.line, f"the block fails:\n{done.stdout}{done.stderr}"
            continue
        for offset, command in _command_lines(block):
            if problem := _unchecked(command):
                yield block.line + offset, problem


def _command_lines(block: Block) -> Iterator[tuple[int, str]]:
    prompted = block.language == "console"
    for offset, line in enumerate(block.text.splitlines(), 1):
        text = line.strip()
        if prompted and not text.startswith("$ "):
            continue
        for part in re.split(r"\s(?:&&|\|)\s", text.removeprefix("$ ")):
            if (command := re.sub(r"\s+#.*$", "", part).strip()) and not command.startswith("#"):
                yield offset, command


def _unchecked(command: str) -> str | None:
    if where := CHECKED.get(command):
        return None if command in (ROOT / where).read_text() else f"'{command}' is no longer in {where}"
    words = shlex.split(command)
    while words[:2] == ["uv", "run"]:
        words = words[2:]
    if words[:1] == ["onex-host"]:
        return _misunderstood(words[1:])
    return f"nothing checks '{command}': add it to CHECKED, or mark the block"


def _misunderstood(words: Sequence[str]) -> str | None:
    named = words[: 2 if words[:1] == ["dlq"] else 1] if words and not words[0].startswith("-") else []
    done = _run(["onex-host", *named, "--help"])
    command = " ".join(named)
    if done.returncode:
        return f"onex-host has no command '{command}'"
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    unknown = [option for option in options if option not in done.stdout]
    return f"'onex-host {command}' has no option {', '.join(unknown)}" if unknown else None


def outputs(page: Page) -> Iterator[Finding]:
    """A block that says what a command prints says it rightly."""
    for block in page.blocks:
        if block.mark == "output of" and block.reason:
            done = _run(shlex.split(block.reason))
            if done.stdout.strip() != block.text.strip():
                yield block.line, f"'{block.reason}' prints something else now:\n{done.stdout}{done.stderr}"


def sessions(page: Page) -> Iterator[Finding]:
    """The page's sessions, in one folder with the page's files, print what the page shows."""
    if any(block.mark == "session" for block in page.blocks):
        with tempfile.TemporaryDirectory() as folder:
            yield from played(page, "session", folder)


def played(page: Page, mark: str, folder: str) -> Iterator[Finding]:
    """The same for the sessions with this mark, in this folder."""
    for block in page.blocks:
        if block.mark == "file":
            path = Path(folder, block.reason)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.mark == mark:
            yield from _replayed(block, folder)


def _replayed(block: Block, folder: str) -> Iterator[Finding]:
    steps = steps_of(block)
    # The end of each step is marked, and its exit code kept for a step that shows it with `echo $?`.
    script = "".join(f"{{ {step.command}\n}} 2>&1\n__code=$?; echo {_END}; (exit $__code)\n" for step in steps)
    done = _run(["bash", "-c", f'uv() {{ shift; "$@"; }}\n{script}'], folder)
    printed = done.stdout.split(f"{_END}\n")
    for step, text in zip(steps, printed, strict=False):
        if not step.shows(text):
            yield block.line + step.offset, f"'{step.command}' prints something else:\n{text}"


class Step(NamedTuple):
    """A command of a session, and what is shown below it."""

    offset: int
    command: str
    output: Sequence[str]

    def shows(self, printed: str) -> bool:
        """Whether this is what the page shows, blank lines at the end not counted."""
        return _shown_as(self.output).fullmatch(printed) is not None


def steps_of(block: Block) -> Sequence[Step]:
    """The commands of a session, each with its output."""
    steps: list[Step] = []
    lines = iter(enumerate(block.text.splitlines(), 1))
    for offset, line in lines:
        if line.startswith("$ "):
            command = line.removeprefix("$ ")
            while command.endswith("\\"):
                command = f"{command}\n{next(lines)[1]}"
            steps.append(Step(offset, command, []))
        elif steps:
            steps[-1] = steps[-1]._replace(output=[*steps[-1].output, line])
    return steps


def _shown_as(output: Sequence[str]) -> re.Pattern[str]:
    """Matches what a command prints, where a page shows this; blank lines at its end are not counted."""
    lines = "\n".join(output).rstrip().split("\n") if output else []
    parts = [r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in lines]
    return re.compile("".join(parts) + r"\n*")


def _run(words: Sequence[str], folder: str | None = None) -> subprocess.CompletedProcess[str]:
    if folder is None:
        with tempfile.TemporaryDirectory() as empty:
            return _run(words, empty)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(
        list(words),
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )


def written(page: Page) -> Iterator[Finding]:
    """A page that is written from the code is what would be written now."""
    name = page.path.relative_to(ROOT).as_posix() if page.path.is_relative_to(ROOT) else ""
    if name in PAGES and page.path.read_text(encoding="utf-8") != PAGES[name]():
        yield 1, "the page is not what the code says: uv run python -m tools.reference"


CHECKS: Final[Sequence[Check]] = (marks, links, python, data, contracts, commands, sessions, outputs, written)
_LANGUAGES: Final = frozenset({"python", "yaml", "json", "bash", "console"})


def findings(page: Page, checks: Sequence[Check] = CHECKS) -> Iterator[str]:
    """Everything that is wrong with a page, as `path:line: what`."""
    for check in checks:
        yield from (f"{page.shown}:{line}: {what}" for line, what in check(page))


def main() -> int:
    """Checks every page; 1 where anything is wrong."""
    found = [finding for path in pages() for finding in findings(read(path))]
    for finding in found:
        print(finding)
    blocks = sum(len(read(path).blocks) for path in pages())
    print(f"docs: {len(pages())} pages, {blocks} blocks, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
