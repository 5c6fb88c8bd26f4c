"""Checks what the config of a vault or consul handler says beyond its fields' types."""

from typing import Final

from omnibase_core import paths, urls
from omnibase_core.contracts.check_http import check_text
from omnibase_core.contracts.findings import Findings, Refusal, Section, dotted

LOGINS: Final = ("token", "approle", "kubernetes")
"""The ways to log in, of which a vault handler has one."""


def check_vault(section: Section, findings: Findings) -> None:
    """Reports addresses, mounts and paths that the handler would refuse, and two ways to log in."""
    _check_address(section, findings)
    mounts = [section.child("mount"), *(section.child(login).child("mount") for login in LOGINS[1:])]
    for each in (*mounts, *section.child("allow").items()):
        check_text(each, paths.segments, "Correct the path", findings)
    given = [login for login in LOGINS if section.mapping().get(login) is not None]
    if len(given) > 1:
        refusal = Refusal(
            f"{dotted(section.home.path)} has {' and '.join(given)}",
            "A handler logs in one way",
            f"Keep one of {', '.join(LOGINS)}",
        )
        findings.add(section.child(given[1]).home, refusal, at_key=True)


def check_consul(section: Section, findings: Findings) -> None:
    """Reports an address that the handler would refuse."""
    _check_address(section, findings)


def _check_address(section: Section, findings: Findings) -> None:
    check_text(section.child("address"), urls.parse_base, "Correct the address", findings)
