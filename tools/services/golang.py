"""Servers that are built from Go modules: once for each go.sum, into the cache folder."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tools.services.base import MissingError, ServiceError, cache_folder
from tools.services.process import alone

_FLAGS: Final = ("-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w")


class GoProgram:
    """A program of a Go module beside this file, `NAME_server`. package: what of it is built."""

    def __init__(self, name: str, package: str) -> None:
        self.name = name
        self._module = Path(__file__).with_name(f"{name}_server")
        self._package = package

    @property
    def path(self) -> Path:
        """Where the program is once it is built: another place for each state of its module."""
        content = b"".join(file.read_bytes() for file in sorted(self._module.iterdir()) if file.is_file())
        return cache_folder() / f"{self.name}-{hashlib.sha256(content).hexdigest()[:16]}" / self.name

    def build(self) -> None:
        """Builds it, if it is not there. The first time takes minutes and downloads some 2 GB of modules.

        Raises MissingError without Go, ServiceError where it cannot be built.
        """
        target = self.path
        with alone(target.parent):
            if target.exists():
                return
            if shutil.which("go") is None:
                raise MissingError("Go, which builds the server,", "apt-get install golang")
            with tempfile.TemporaryDirectory(dir=target.parent.parent) as folder:
                built = Path(folder) / "built"
                command = ["go", "build", *_FLAGS, "-o", str(built / self.name), self._package]
                done = subprocess.run(
                    command,
                    cwd=self._module,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                if done.returncode != 0:
                    said = "\n".join(done.stderr.strip().splitlines()[-8:])
                    raise ServiceError(f"{self.name} could not be built; Go said:\n{said}")
                built.rename(target.parent)

    def require(self) -> None:
        """Raises MissingError where it is not built."""
        if not self.path.exists():
            raise MissingError(f"The {self.name} server", f"uv run python -m tools.services build {self.name}")
