"""The jars of Apache Kafka, which Maven fetches once into the cache folder."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.services.base import MissingError, ServiceError, cache_folder
from tools.services.process import alone

VERSION: Final = "4.1.0"
_OLDEST_JAVA: Final = 17
_POM: Final = Path(__file__).with_name("pom.xml")
_FLAGS: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")


def fetch() -> None:
    """Copies the jars into the cache folder, if they are not there. Raises MissingError, ServiceError."""
    _require_java()
    with alone(_folder()):
        if not _folder().exists():
            _copy()


def require() -> None:
    """Raises MissingError where Java or the jars are missing."""
    _require_java()
    if not _folder().exists():
        raise MissingError(f"Apache Kafka {VERSION}", "uv run python -m tools.services fetch kafka")


def java(program: str, *arguments: str | Path, heap_mb: int) -> Sequence[str | Path]:
    """The command that runs a program of Kafka, quick to start and small."""
    classes = ":".join(str(jar) for jar in sorted(_folder().glob("*.jar")))
    return ["java", *_FLAGS, f"-Xmx{heap_mb}m", "-cp", classes, program, *arguments]


def _folder() -> Path:
    return cache_folder() / f"kafka-{VERSION}"


def _copy() -> None:
    if shutil.which("mvn") is None:
        raise MissingError("Maven, which fetches Apache Kafka,", "apt-get install maven")
    with tempfile.TemporaryDirectory(dir=_folder().parent) as folder:
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}/jars"]
        fetched = subprocess.run(
            ["mvn", "--batch-mode", "--quiet", "--strict-checksums", "--file", _POM, *goal],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if fetched.returncode != 0:
            said = "\n".join((fetched.stdout + fetched.stderr).strip().splitlines()[:5])
            raise ServiceError(f"Maven could not fetch Apache Kafka {VERSION}; it said:\n{said}")
        (Path(folder) / "jars").rename(_folder())


def _require_java() -> None:
    install = f"apt-get install openjdk-{_OLDEST_JAVA}-jre-headless"
    if shutil.which("java") is None:
        raise MissingError("Java", install)
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < _OLDEST_JAVA:
        found = f"found {version[1]}" if version else "`java -version` does not say which it is"
        raise MissingError(f"Java {_OLDEST_JAVA} or newer ({found})", install)
