"""From the arguments of `onex-host test --record` to the file. Imported within the command only."""

import os
from collections.abc import Sequence
from pathlib import Path

import click
from omnibase_core.codec import decode
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.envelope import ModelOnexEnvelope

from omnibase_infra.cli.calling import request_to
from omnibase_infra.cli.command import counted
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.explain import bytes_of
from omnibase_infra.cli.hosting import HostClass
from omnibase_infra.cli.recording import Recording, record, replayed
from omnibase_infra.cli.showing import shown_response
from omnibase_infra.cli.testing import Mismatch
from omnibase_infra.cli.verdicts import mismatch_lines
from omnibase_infra.wiring import resolver_of

_SCHEMA = "schema/test.schema.json"


class Recorder:
    """Performs one request and writes its test. Raises click.ClickException for a file that may not be written."""

    def __init__(self, loaded: LoadedContract, host: HostClass, file: str, *, force: bool) -> None:
        self._loaded = loaded
        self._host = host
        self._file = Path(file)
        self._force = force
        if self._file.exists() and not force:
            raise click.ClickException(f"{file} is there already; name another file, or overwrite it with --force")

    def request(self, words: Sequence[str], envelope: str | None) -> ModelOnexEnvelope:
        """The request: NODE [KEY=VALUE]…, or an envelope. Raises click.UsageError."""
        if envelope is None:
            if not words:
                raise click.UsageError(
                    "--record takes the request as NODE [KEY=VALUE]…, or as --envelope ENVELOPE"
                )
            return request_to(self._loaded.nodes, words[0], words[1:])
        if words:
            raise click.UsageError(f"--envelope is the whole request; got {' '.join(words)} as well")
        limit = self._loaded.require().event_bus.max_envelope_bytes
        return decode(bytes_of(envelope, limit), limit)

    def record(self, request: ModelOnexEnvelope, live: LoadedContract) -> EnumExitCode:
        """Performs the request and writes the file, if it passes when it is replayed.

        live: the contract with a database behind its db handlers.
        """
        resolver = resolver_of(live, os.environ)
        recording, called = record(live, request, resolver, self._host)
        if called.response is None:
            click.echo("Stopped by a signal before the response came; nothing is written", err=True)
            return EnumExitCode.DRAIN_INCOMPLETE
        click.echo(shown_response(called.response, called.elapsed_ms))
        text, hidden = self._passing(recording, called.response)
        self._write(text)
        calls = counted(len(recording.calls), "call")
        click.echo(f"{self._file}: written, with {calls} of handlers; it passes when it is replayed")
        if hidden:
            click.echo("What looks like a secret is written as ********", err=True)
        return EnumExitCode.OK

    def _passing(self, recording: Recording, response: ModelOnexEnvelope) -> tuple[str, bool]:
        """The shortest text of a test that passes."""
        wrong: Sequence[str] | Sequence[Mismatch] = ()
        for brief in (True, False):
            text, hidden = recording.text(response, brief=brief, schema=self._schema())
            wrong = replayed(self._loaded, text, str(self._file), self._host)
            if not wrong:
                return text, hidden
        said = [line for each in wrong for line in ([each] if isinstance(each, str) else mismatch_lines(each))]
        raise click.ClickException(
            "\n  ".join(["The test would not pass when it is replayed, so it is not written:", *said])
        )

    def _schema(self) -> str | None:
        """Where an editor finds the schema, as it is seen from the file."""
        folder = self._file.absolute().parent
        found = next((each for each in (folder, *folder.parents) if (each / _SCHEMA).is_file()), None)
        return None if found is None else os.path.relpath(found / _SCHEMA, folder)

    def _write(self, text: str) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("w" if self._force else "x", encoding="utf-8") as file:
            file.write(text)
