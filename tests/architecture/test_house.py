"""The house numbers, and what no file of the repository may hold."""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.architecture.source import ROOT, Module, calls, imports, modules, tracked_files

_MODULE_LINES: Final = 300
_MODULE_LINES_WITH_A_REASON: Final = 400
_FUNCTION_LINES: Final = 60
_COMMENT_SHARE: Final = 0.04
_REASON: Final = re.compile(r"over 300 lines because \w+", re.IGNORECASE)
_SPEAKS: Final = ("omnibase_infra.cli", "omnibase_core.local")

_FOREIGN: Final = {
    "a registry's host": r"\b(pypi|pythonhosted|npmjs|crates|docker|maven|golang)\.(org|io|com)\b",
    "a path of one machine": r"(?<![\w.}*])/(root|home|Users|work)/\w",
    "an unfinished thing": r"\b(TODO|FIXME|XXX|HACK)\b",
    "a ticket number": r"\bOMN-\d+\b",
}
_FOREIGN_ELSEWHERE: Final = ("uv.lock", "LICENSE", "tests/architecture/test_house.py")
_OF_GO: Final = ("go.mod", "go.sum")  # modules of Go have names that begin with a host


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, nested ones too."""
    return (n for n in ast.walk(module.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_a_module_is_short_or_says_why_not(module: Module) -> None:
    limit = _MODULE_LINES_WITH_A_REASON if _REASON.search(ast.get_docstring(module.tree) or "") else _MODULE_LINES
    assert len(module.lines) <= limit, (
        f"{module.shown} has {len(module.lines)} lines; split it by what changes together, "
        f"or say 'Over 300 lines because …' in its docstring (never over {_MODULE_LINES_WITH_A_REASON})"
    )


def test_the_median_module_is_short() -> None:
    lengths = sorted(len(module.lines) for module in modules() if module.lines)
    assert lengths[len(lengths) // 2] <= 200


def test_no_function_is_long() -> None:
    long = [
        f"{m.shown}:{f.lineno} {f.name}" for m in modules() for f in functions(m) if length(f) > _FUNCTION_LINES
    ]
    assert long == []


def test_the_median_function_is_short() -> None:
    lengths = sorted(length(function) for module in modules() for function in functions(module))
    assert lengths[len(lengths) // 2] <= 10


def test_comments_say_why_and_are_few() -> None:
    share = sum(module.comments() for module in modules()) / sum(len(module.lines) for module in modules())
    assert share <= _COMMENT_SHARE


def test_every_module_and_every_public_class_says_what_it_is() -> None:
    silent = [
        f"{module.shown}:{getattr(node, 'lineno', 1)}"
        for module in modules()
        if module.text.strip()
        for node in (module.tree, *module.tree.body)
        if isinstance(node, ast.Module | ast.ClassDef)
        and not getattr(node, "name", "").startswith("_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_only_the_command_line_prints_and_exits() -> None:
    speaking = [
        f"{module.shown}:{line} {name}"
        for module in modules()
        if not module.name.startswith(_SPEAKS)
        for line, name in calls(module)
        if name in {"print", "exit", "quit", "sys.exit", "os._exit", "sys.stdout.write", "sys.stderr.write"}
    ]
    assert speaking == []


def test_classes_are_nouns() -> None:
    vague = re.compile(r"(Manager|Util|Utils|Helper|Service|Mixin)$")
    found = [
        f"{module.shown}:{node.lineno} {node.name}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and vague.search(node.name)
    ]
    assert found == []


def test_nothing_is_mocked() -> None:
    python = [path for path in tracked_files() if path.suffix == ".py"]
    parsed = [Module(path.stem, path, path.read_text(), ast.parse(path.read_text())) for path in python]
    assert parsed
    mocked = [
        m.shown for m in parsed for _, name in imports(m) if name.startswith(("unittest.mock", "pytest_mock"))
    ]
    assert mocked == [], "write a fake that satisfies the protocol, under tests/fakes"


def test_every_exported_name_exists() -> None:
    for module in modules():
        for node in module.tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                exported = ast.literal_eval(node.value)
                loaded = __import__(module.name, fromlist=exported)
                assert [name for name in exported if not hasattr(loaded, name)] == [], module.name
                assert len(exported) == len(set(exported)), module.name


@pytest.mark.parametrize("what", _FOREIGN)
def test_no_tracked_file_holds(what: str) -> None:
    pattern = re.compile(_FOREIGN[what])
    found = []
    for path in tracked_files():
        name = str(path.relative_to(ROOT))
        if name in _FOREIGN_ELSEWHERE or path.name in _OF_GO or path.suffix in {".png", ".ico"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if match := pattern.search(line):
                found.append(f"{name}:{number} {match.group()}")
    assert found == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a registry's host", "https://files.python" + "hosted.org/x"),
        ("a path of one machine", "cd /" + "root/x"),
        ("a path of one machine", "'/" + "home/someone/x'"),
        ("an unfinished thing", "# TO" + "DO later"),
        ("a ticket number", "see OMN-" + "1234"),
    ],
)
def test_what_no_file_may_hold_is_recognised(what: str, line: str) -> None:
    assert re.search(_FOREIGN[what], line)


@pytest.mark.parametrize(
    "line", ["/var/run/secrets/x", "uuid5", "RFC 3339", "UTF-8", "{folder}/root/x", "SHA-256"]
)
def test_ordinary_text_is_left_alone(line: str) -> None:
    assert not [what for what, pattern in _FOREIGN.items() if re.search(pattern, line)]
