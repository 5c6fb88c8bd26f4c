"""Checks what an http handler's config says beyond its fields' types: what passes here, the handler starts with.

Each field is looked at as it was written, whatever is wrong with the others.
"""

from collections.abc import Callable

from omnibase_core import headers, paths, urls
from omnibase_core.contracts.findings import Findings, Refusal, Section, dotted
from omnibase_core.contracts.literals import is_reference


def check_http(section: Section, findings: Findings) -> None:
    """Reports URLs, origins, networks and headers that the handler would refuse at its start."""
    check_text(section.child("base_url"), urls.parse_base, "Correct the URL", findings)
    for entry in section.child("allow").items():
        check_text(entry, urls.parse_origin, "Correct the URL", findings)
    for entry in section.child("allow_private").items():
        check_text(entry, urls.parse_private, "Correct the entry", findings)
    check_text(section.child("health_path"), _check_health_path, "Write a path, such as /health", findings)
    given = section.child("headers")
    check_headers(given, findings)
    if section.mapping().get("health_path") is not None and section.mapping().get("base_url") is None:
        home = section.child("health_path").home
        findings.add(home, Refusal(f"{dotted(home.path)} without a base_url", None, "Set base_url"), at_key=True)
    if given.mapping() and section.mapping().get("base_url") is None:
        refusal = Refusal(
            f"{dotted(given.home.path)} without a base_url",
            "Headers are sent to base_url's origin only",
            "Set base_url, or remove the headers",
        )
        findings.add(given.home, refusal, at_key=True)


def check_headers(section: Section, findings: Findings) -> None:
    """Reports header names and values that cannot be sent."""
    for name in section.mapping():
        _check_header(name, section.child(name), findings)


def _known(section: Section) -> str | None:
    """The text of a field, where it is one and is known."""
    at = section.home
    return section.value if isinstance(section.value, str) and not at.file.is_unchecked(at.path) else None


def check_text(section: Section, parse: Callable[[str], object], action: str, findings: Findings) -> None:
    """Reports a text by its field and what is wrong with it, never as it is written."""
    if (text := _known(section)) is not None:
        try:
            parse(text)
        except (urls.UrlError, headers.HeaderError, paths.PathError) as error:
            findings.add(section.home, Refusal(f"{dotted(section.home.path)} {error}", None, action))


def _check_header(name: str, section: Section, findings: Findings) -> None:
    try:
        headers.check_header_name(name)
    except headers.HeaderError as error:
        refusal = Refusal(f"{dotted(section.home.path)} {error}", None, "Correct the name, or remove the header")
        findings.add(section.home, refusal, at_key=True)
    if is_reference(section.value):
        check_text(section.child("prefix"), _check_prefix, "Correct the prefix", findings)
    else:
        check_text(section, headers.check_header_value, "Correct the value", findings)


def _check_health_path(path: str) -> None:
    urls.resolve("http://host", path)
    if "://" in path:
        raise urls.UrlError("is a path behind base_url, and no URL")


def _check_prefix(prefix: str) -> None:
    headers.check_header_value(f"{prefix}secret")
