"""Tells systemd how the service is, for units of `Type=notify` (sd_notify(3)); elsewhere this does nothing."""

import logging
import os
import socket

from omnibase_infra.telemetry import events

_LOG = logging.getLogger("onex.cli")


def notify(state: str) -> None:
    """Sends the state, such as `READY=1`, to the socket that NOTIFY_SOCKET names; a failure is logged."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # a name without a file, as Linux has them
        address = "\0" + address[1:]
    try:
        with socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        ) as channel:
            channel.connect(address)
            channel.send(state.encode())
    except OSError as error:
        _LOG.warning(
            "the service manager could not be told %s: %s",
            state,
            error,
            extra={"event": events.HOST_SERVICE_MANAGER},
        )
