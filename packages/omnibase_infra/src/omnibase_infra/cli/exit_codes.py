"""The exit codes of every command."""

from enum import IntEnum


class EnumExitCode(IntEnum):
    """What a command's exit code says. A clean stop on a signal is OK; a shell's 130 or 143 is never used."""

    OK = 0
    NOT_STARTED = 1
    """A contract that cannot be run, a start that failed, or a defect of the command or of an app's `feed`."""
    USAGE = 2
    ENVELOPE_FAILED = 3
    """Some envelope was answered with an error, or some contract test failed."""
    DRAIN_INCOMPLETE = 4
    """The drain gave something up; it will be redelivered."""
    BUS_LOST = 5
    """The event bus is lost for good."""
    CRASHED = 6
    """The host ended while it ran, in a way that nobody foresaw."""
