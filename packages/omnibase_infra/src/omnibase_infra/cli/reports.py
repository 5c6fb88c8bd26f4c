"""Problems of contracts as machines read them: JSON, SARIF and GitHub's workflow commands.

Imported within commands only. Each function gives the whole text of stdout. Files are named as they were found
in JSON; in the other two relative to the repository, which is GITHUB_WORKSPACE or the current folder, so that
annotations find their lines.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from omnibase_core.problems import ModelProblem
from pydantic import JsonValue

from omnibase_infra.host.versions import versions

Problems = Sequence[ModelProblem]

_ROOT: Final = "%SRCROOT%"
_TITLES: Final = {"error": "Contract error", "warning": "Contract warning"}


def json_report(problems: Problems) -> str:
    """A list of objects, empty where nothing is wrong."""
    return _json([problem.model_dump(mode="json") for problem in problems])


def sarif_report(problems: Problems) -> str:
    """One run of SARIF 2.1.0."""
    codes = sorted({problem.code for problem in problems})
    driver: JsonValue = {
        "name": "onex-host",
        "version": versions()["omnibase-infra"],
        "rules": [_rule(code) for code in codes],
    }
    return _json(
        {
            "version": "2.1.0",
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "runs": [
                {
                    "tool": {"driver": driver},
                    "columnKind": "unicodeCodePoints",
                    "results": [_result(problem, codes.index(problem.code)) for problem in problems],
                }
            ],
        }
    )


def github_report(problems: Problems) -> str:
    """One workflow command a line; nothing where nothing is wrong."""
    return "\n".join(map(_command, problems))


REPORTS: Final[Mapping[str, Callable[[Problems], str]]] = MappingProxyType(
    {"json": json_report, "sarif": sarif_report, "github": github_report}
)


def _json(value: JsonValue) -> str:
    return json.dumps(value, indent=2)


def _rule(code: str) -> JsonValue:
    name = "".join(word.capitalize() for word in code.split("_"))
    return {
        "id": code,
        "name": name,
        "shortDescription": {"text": "A contract that the host would refuse, or that it warns about"},
        "defaultConfiguration": {"level": "error"},
    }


def _result(problem: ModelProblem, rule_index: int) -> JsonValue:
    location: dict[str, JsonValue] = {"artifactLocation": _artifact(problem.file)}
    if problem.line is not None:
        location["region"] = {"startLine": problem.line, "startColumn": problem.column or 1}
    return {
        "ruleId": problem.code,
        "ruleIndex": rule_index,
        "level": problem.severity,
        "message": {"text": _message(problem)},
        "locations": [{"physicalLocation": location}],
    }


def _artifact(file: str) -> JsonValue:
    shown = _in_repository(file)
    if os.path.isabs(shown):
        return {"uri": f"file://{quote(os.fsencode(shown))}"}
    return {"uri": quote(os.fsencode(shown)), "uriBaseId": _ROOT}


def _command(problem: ModelProblem) -> str:
    properties: dict[str, object] = {
        "file": _in_repository(problem.file),
        "line": problem.line,
        "col": problem.column,
        "title": _TITLES[problem.severity],
    }
    written = ",".join(
        f"{name}={_property(str(value))}" for name, value in properties.items() if value is not None
    )
    return f"::{problem.severity} {written}::{_data(_message(problem))}"


def _data(text: str) -> str:
    plain = text.encode("utf-8", "backslashreplace").decode()
    return plain.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _message(problem: ModelProblem) -> str:
    """What is wrong and the way out, as one text."""
    return "\n".join(part for part in (problem.message, problem.hint, problem.action) if part)


def _in_repository(file: str) -> str:
    """The path from the repository's top with forward slashes; absolute where it is outside."""
    root = Path(os.environ.get("GITHUB_WORKSPACE") or ".").absolute()
    path = Path(os.path.normpath(Path(file).absolute()))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
