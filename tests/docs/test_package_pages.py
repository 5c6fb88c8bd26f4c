"""The packages' own pages: commands, variables and versions are those of the code."""

import re
from pathlib import Path
from typing import Final

from omnibase_infra.cli.main import onex_host
from omnibase_infra.host.versions import REQUIREMENTS

from tests.architecture.source import modules
from tests.docs.tables import DOCS, section, table

PACKAGES: Final = DOCS.parent / "packages"
INFRA: Final = str(PACKAGES / "omnibase_infra" / "README.md")
_VARIABLE: Final = re.compile(r'"(ONEX_[A-Z_]+|SHUTDOWN_[A-Z_]+)"')


def test_every_command_is_on_the_page_of_infra() -> None:
    text = Path(INFRA).read_text()
    missing = [name for name in onex_host.commands if not re.search(rf"`onex-host {name}[ `]", text)]
    assert missing == [], "give each command a row in the table of packages/omnibase_infra/README.md"


def test_every_environment_variable_is_on_the_page_of_infra() -> None:
    used = {name for module in modules("omnibase_infra") for name in _VARIABLE.findall(module.text)}
    written = set(re.findall(r"\b(ONEX_[A-Z_]+|SHUTDOWN_[A-Z_]+)", section(INFRA, "Environment")))
    assert used - written == set()


def test_the_version_matrix_is_what_a_host_checks_at_its_start() -> None:
    written = table(section(INFRA, "Versions"))[-1][1:]
    assert [f"{one.package} {text}" for one, text in zip(REQUIREMENTS, written, strict=True)] == list(
        map(str, REQUIREMENTS)
    )
