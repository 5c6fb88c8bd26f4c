"""SIGTERM and SIGINT: the first stops in good order, the second ends at once. SIGHUP has something read again."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from omnibase_core.errors import ProtocolConfigurationError

from omnibase_infra.telemetry import events

_LOG = logging.getLogger("onex.host")

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

_Handler = signal.Handlers | Callable[[int, FrameType | None], object] | int | None


@contextmanager
def stop_on_signals(
    stop: Callable[[], object],
    abort: Callable[[], object],
    *,
    loop: asyncio.AbstractEventLoop | None = None,
    signals: Sequence[signal.Signals] = STOP_SIGNALS,
    final: bool = False,
) -> Iterator[None]:
    """Within this context the first of `signals` runs `stop` on the loop, and the next one `abort`.

    `abort` runs at once, within the signal handler, so that it also ends a host whose loop is stuck in a node's
    function: it may end the process, raise, or cancel a task, and should do little else. It runs once; later
    signals do nothing. The handlers found here are put back at the end, unless this is `final`: then the process
    is about to end, and later signals are ignored. Only the main thread has signals: in any other this raises
    ProtocolConfigurationError.
    """
    running = loop or asyncio.get_running_loop()
    received: list[signal.Signals] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        received.append(signal.Signals(number))
        if len(received) == 1:
            # A turn later, since this may run within the handler of an earlier SIGHUP, before its first line.
            running.call_soon_threadsafe(running.call_soon, _begin, received[0], stop)
        elif len(received) == 2:
            abort()

    previous: dict[signal.Signals, _Handler] = {}
    try:
        for one in signals:
            previous[one] = _install(one, on_signal)
        yield
    finally:
        for one, handler in previous.items():
            signal.signal(one, signal.SIG_IGN if final else signal.SIG_DFL if handler is None else handler)


@contextmanager
def on_hangup(reread: Callable[[], object]) -> Iterator[None]:
    """Within this context each SIGHUP runs `reread` on the loop, before a stop that was asked for later.

    Once it has ended, SIGHUP does nothing. Only the main thread has signals, as above.
    """
    running = asyncio.get_running_loop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        running.call_soon_threadsafe(reread)

    _install(signal.SIGHUP, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _install(number: signal.Signals, handler: Callable[[int, FrameType | None], None]) -> _Handler:
    try:
        return signal.signal(number, handler)
    except ValueError:
        raise ProtocolConfigurationError(
            f"{number.name} can be handled in the main thread only; run the host in the main thread, "
            "or stop it yourself and leave signals to the application around it"
        ) from None


def _begin(number: signal.Signals, stop: Callable[[], object]) -> None:
    _LOG.info(
        "%s: stopping in good order; a second signal ends at once",
        number.name,
        extra={"event": events.HOST_SIGNAL, "signal": number.name},
    )
    stop()
