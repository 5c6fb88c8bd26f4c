"""The log levels of a host that runs: the command line's, then the contract's, which is read again on demand."""

import logging
import os

from omnibase_core.contracts.observability import ModelLogs

from omnibase_infra.config.files import load_observability_file
from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.logs import Levels, set_levels

_LOG = logging.getLogger("onex.cli")


class LogLevels:
    """given: on the command line, where it wins. contract: the path of the runtime contract."""

    def __init__(self, given: Levels, contract: str) -> None:
        self._given = given
        self._contract = contract

    def use(self, logs: ModelLogs) -> Levels:
        """Sets the levels, and gives them."""
        levels = self._given.over(Levels(logs.level, logs.levels))
        set_levels(levels)
        return levels

    def reread(self) -> None:
        """Takes the levels that the file has now; where it has an error, that is logged and nothing changes."""
        observability, problems = load_observability_file(self._contract, os.environ)
        if observability is None:
            for problem in problems:
                if problem.severity == "error":
                    _LOG.error(
                        "the log levels stay as they are: %s:%s: %s",
                        problem.file,
                        problem.line,
                        problem.message,
                        extra={
                            "event": events.LOGS_LEVELS_KEPT,
                            "file": problem.file,
                            "line": problem.line,
                            "column": problem.column,
                        },
                    )
            return
        levels = self.use(observability.logs)
        _LOG.info(
            "log levels are read again",
            extra={"event": events.LOGS_LEVELS_SET, "root": levels.root or "INFO", "levels": dict(levels.named)},
        )
