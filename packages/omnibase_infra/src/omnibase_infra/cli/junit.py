"""Contract tests as JUnit XML, which CI systems read. Imported within the command only."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from click import unstyle

from omnibase_infra.cli.testing import Outcome
from omnibase_infra.cli.verdicts import failure_text

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(outcomes: Sequence[Outcome]) -> bytes:
    """A document with a suite for each file, a case for each test, in the order in which they ran."""
    root = Element("testsuites", _figures(outcomes))
    for file, group in groupby(outcomes, lambda outcome: outcome.test.section.origin().file.file):
        cases = list(group)
        suite = SubElement(root, "testsuite", {"name": _text(file), **_figures(cases)})
        for outcome in cases:
            _add(suite, outcome)
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _add(suite: Element, outcome: Outcome) -> None:
    origin = outcome.test.section.origin()
    case = SubElement(
        suite,
        "testcase",
        {
            "classname": _text(outcome.test.case.node),
            "name": _text(outcome.test.case.name),
            "file": _text(origin.file.file),
            "line": str(origin.file.document.position(origin.path).line),
            "time": f"{outcome.seconds:.3f}",
        },
    )
    if outcome.wrong:
        told = SubElement(case, "failure", {"message": _text(outcome.wrong[0].message), "type": "mismatch"})
        told.text = _text(unstyle(failure_text(outcome)))


def _figures(outcomes: Iterable[Outcome]) -> dict[str, str]:
    listed = list(outcomes)
    return {
        "tests": str(len(listed)),
        "failures": str(sum(bool(outcome.wrong) for outcome in listed)),
        "errors": "0",
        "skipped": "0",
        "time": f"{sum(outcome.seconds for outcome in listed):.3f}",
    }


def _text(text: str) -> str:
    """What XML can hold of a text."""
    return _NOT_XML.sub("\ufffd", text)
