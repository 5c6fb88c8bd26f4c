"""The version matrix: which core and SPI this infra works with, compared with what is installed."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import omnibase_core
import omnibase_spi

import omnibase_infra

_LOG = logging.getLogger("onex.host")
_VERSION = re.compile(
    r"(?P<release>\d{1,9}(?:\.\d{1,9})*)(?P<pre>(?:a|b|rc)\d+)?(?:\.post\d+)?(?P<dev>\.dev\d+)?(?:\+[A-Za-z0-9.]+)?"
)


class Requirement(NamedTuple):
    """A package and the versions that fit: `minimum` and newer, older than `below`."""

    package: str
    minimum: str
    below: str

    def __str__(self) -> str:
        return f"{self.package} >= {self.minimum}, < {self.below}"


REQUIREMENTS = (Requirement("omnibase-core", "0.4.0", "0.5"), Requirement("omnibase-spi", "0.3.0", "0.4"))


def versions() -> dict[str, str]:
    """The installed version of each of the three packages, this one first."""
    return {
        "omnibase-infra": omnibase_infra.__version__,
        "omnibase-core": omnibase_core.__version__,
        "omnibase-spi": omnibase_spi.__version__,
    }


def misfits(installed: Mapping[str, str], requirements: Sequence[Requirement] = REQUIREMENTS) -> list[str]:
    """What does not fit, a sentence each; empty where everything does."""
    return [
        f"omnibase-infra {installed.get('omnibase-infra', 'of unknown version')} needs {wanted}, "
        f"but {installed.get(wanted.package, 'none')} is installed"
        for wanted in requirements
        if not fits(installed.get(wanted.package, ""), wanted)
    ]


def fits(version: str, requirement: Requirement) -> bool:
    """Whether a version is within the range. A pre-release is older than its release, and in no upper bound:
    0.4.0rc1 is not >= 0.4.0, and 0.5.0rc1 is not < 0.5."""
    match = _VERSION.fullmatch(version.strip())
    if match is None:
        return False
    release, minimum = _release(match["release"]), _release(requirement.minimum)
    if release >= _release(requirement.below):
        return False
    return release > minimum or (release == minimum and match["pre"] is None and match["dev"] is None)


def check_versions(installed: Mapping[str, str] | None = None) -> None:
    """Logs the versions. Raises ProtocolConfigurationError where they do not fit, with the way to upgrade."""
    found = versions() if installed is None else installed
    wrong = misfits(found)
    if wrong:
        # Imported only here: `onex-host --version` reads this module and must not load pydantic.
        from omnibase_core.errors import ProtocolConfigurationError

        ranges = " ".join(f"'{one.package}>={one.minimum},<{one.below}'" for one in REQUIREMENTS)
        raise ProtocolConfigurationError(
            f"{'; '.join(wrong)}. Install versions that fit together: pip install --upgrade {ranges}",
            details={"installed": dict(found), "required": [str(one) for one in REQUIREMENTS]},
        )
    _LOG.info("Versions fit together", extra={"event": "host.versions", "versions": dict(found)})


def _release(text: str) -> tuple[int, ...]:
    """The numbers of a version; trailing zeros mean nothing, so 0.5 is 0.5.0."""
    numbers = [int(part) for part in text.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
