"""Brings a host's spans to their receiver: one request at a time, in a task of the host, in nobody's way.

A receiver that does not answer costs spans, which are counted, and one line in the log.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from omnibase_core.contracts.observability import ModelTraces
from omnibase_core.errors import RuntimeHostError

from omnibase_infra.config.handlers import resolve_config
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.host.ending import bound_s, ended
from omnibase_infra.host.versions import versions
from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.tracing import Span, Tracer, encoded_spans, rejected_spans
from omnibase_infra.transports.http.otlp import OtlpClient

_log = logging.getLogger("onex.traces")
_BATCH: Final = 128  # which takes a few milliseconds to encode: nothing else runs meanwhile
_INTERVAL_S: Final = 1.0
_LONGEST_DELAY_S: Final = 30.0
_LAST_S: Final = 2.0


class Export:
    """Takes what a tracer has made. resource: whose spans they are."""

    def __init__(self, tracer: Tracer, config: ModelTraces, resource: Mapping[str, str]) -> None:
        self._tracer = tracer
        self._config = config
        self._resource = resource
        self._version = versions()["omnibase-infra"]
        self._client: OtlpClient | None = None
        self._task: asyncio.Task[None] | None = None
        self._full = asyncio.Event()
        self._batch: list[Span] = []  # on its way, and kept while the receiver does not take it
        self._failures = 0
        self._lost_before = 0

    async def open(self, resolver: SecretResolver) -> None:
        """Begins to export; nobody is asked yet. Raises SecretResolutionError and ProtocolConfigurationError."""
        config = await resolve_config(self._config, "observability.traces", resolver)
        self._client = OtlpClient(config)
        self._tracer.on_end = self._noticed
        self._task = asyncio.create_task(self._run(), name="onex-traces")

    async def close(self, until: float) -> None:
        """Exports what is left, for two seconds at most and by `until`; what is not taken by then is lost.

        until: a time of the loop.
        """
        if self._client is None or self._task is None:
            return
        await ended(self._task)
        try:
            with suppress(RuntimeHostError, TimeoutError):
                async with asyncio.timeout(min(_LAST_S, bound_s(until))):
                    while self._next():
                        await self._send(self._client)
        finally:
            self._lose(self._batch)
            self._lose(self._tracer.take(len(self._tracer.waiting)))
            await self._client.aclose()

    def _noticed(self) -> None:
        if len(self._tracer.waiting) >= _BATCH:
            self._full.set()

    async def _run(self) -> None:
        assert self._client is not None
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_INTERVAL_S):
                    await self._full.wait()
            self._full.clear()
            while self._next():
                try:
                    await self._send(self._client)
                except RuntimeHostError as error:
                    self._failed(error)
                    await asyncio.sleep(min(2.0 ** (self._failures - 1), _LONGEST_DELAY_S))

    def _next(self) -> list[Span]:
        """What is to be sent now: what was not taken before, else the oldest that wait."""
        self._batch = self._batch or self._tracer.take(_BATCH)
        return self._batch

    async def _send(self, client: OtlpClient) -> None:
        try:
            answer = await client.send(encoded_spans(self._batch, self._resource, self._version))
        except RuntimeHostError as error:
            if not error.retryable:
                self._lose(self._batch)
            raise
        rejected = min(rejected_spans(answer), len(self._batch))
        self._tracer.lost += rejected
        self._tracer.exported += len(self._batch) - rejected
        self._batch = []
        self._recovered()

    def _lose(self, spans: list[Span]) -> None:
        self._tracer.lost += len(spans)
        self._batch = []

    def _failed(self, error: RuntimeHostError) -> None:
        """One line for a receiver that is away, however long."""
        self._failures += 1
        if self._failures == 1:
            self._lost_before = self._tracer.lost
            _log.warning(
                "traces are not taken, and some will be lost; the host works on: %s",
                error.message,
                extra={"event": events.TRACES_NOT_TAKEN},
            )

    def _recovered(self) -> None:
        if self._failures:
            lost = self._tracer.lost - self._lost_before
            _log.info(
                "traces are taken again; %d spans were lost", lost, extra={"event": events.TRACES_TAKEN_AGAIN}
            )
            self._failures = 0
