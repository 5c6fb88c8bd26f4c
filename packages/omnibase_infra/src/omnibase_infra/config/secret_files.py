"""Secrets that are the content of a file: read anew every time, bounded, and never by a handler."""

import errno
import os
import stat
from pathlib import Path
from typing import NamedTuple

from omnibase_core.secret import Secret

MAX_SECRET_BYTES = 64 * 1024

_REASONS = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ELOOP: "its links form a circle",
    errno.ENAMETOOLONG: "the name is too long for a file",
}


class Absent(NamedTuple):
    """A place that was looked at, and why it gave nothing.

    ends_search: it may have the secret but could not be asked, so no later place answers in its stead.
    """

    place: str
    reason: str
    ends_search: bool = False

    def __str__(self) -> str:
        return f"{self.place} ({self.reason})"


def read_secret_file(file: Path) -> Secret | Absent:
    """The secret that is a file's whole content, as FileSecrets reads it; read anew every time. Never raises."""
    place = f"file {file}"
    try:
        content = _read_regular_file(file)
    except OSError as error:
        return Absent(place, _REASONS.get(error.errno or 0, "it cannot be read"))
    if isinstance(content, str):
        return Absent(place, content)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return Absent(place, "not UTF-8")
    text = text.removesuffix("\n").removesuffix("\r")
    return Secret(text) if text else Absent(place, "empty")


def _read_regular_file(file: Path) -> bytes | str:
    """The content, or why it is none. Opened without waiting: a pipe in the folder must not hang the host."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            return "a folder; name one of its files as path#key"
        if not stat.S_ISREG(mode):
            return "no regular file"
        content = os.read(descriptor, MAX_SECRET_BYTES + 1)
    finally:
        os.close(descriptor)
    return content if len(content) <= MAX_SECRET_BYTES else f"larger than {MAX_SECRET_BYTES} bytes"
