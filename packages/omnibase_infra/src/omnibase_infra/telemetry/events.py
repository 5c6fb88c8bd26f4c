"""The stable names of log events, and the fields of a line about an envelope.

A line is logged as `LOG.info("text for people", extra={"event": events.HOST_READY, …})`: operators search for
the event, never for the text. Names are only ever added. Lines for each envelope are DEBUG lines, and built
behind `LOG.isEnabledFor(logging.DEBUG)`, because one costs as much as half an envelope.
"""

from typing import Final

from omnibase_core.envelope import ModelOnexEnvelope

HOST_VERSIONS: Final = "host.versions"
HOST_STARTING: Final = "host.starting"
HOST_START_FAILED: Final = "host.start_failed"
HOST_READY: Final = "host.ready"
HOST_SIGNAL: Final = "host.signal"
HOST_STOPPING: Final = "host.stopping"
HOST_DRAIN_GAVE_UP: Final = "host.drain_gave_up"
HOST_STOPPED: Final = "host.stopped"
HOST_STEP_FAILED: Final = "host.step_failed"
HOST_TASK_FAILED: Final = "host.task_failed"
HOST_UPKEEP_FAILED: Final = "host.upkeep_failed"
HOST_CRASHED: Final = "host.crashed"
HOST_BUS_LOST: Final = "host.bus_lost"
HOST_SERVICE_MANAGER: Final = "host.service_manager"
HOST_RESPONSE_FAILED: Final = "host.response_failed"
HOST_STALLED: Final = "host.stalled"
HOST_STALL_OVER: Final = "host.stall_over"
HOST_FEED_REFUSED: Final = "host.feed_refused"

LOGS_DROPPED: Final = "logs.dropped"
LOGS_LEVELS_SET: Final = "logs.levels_set"
LOGS_LEVELS_KEPT: Final = "logs.levels_kept"

ADMIN_LISTENING: Final = "admin.listening"
ADMIN_PAGE_FAILED: Final = "admin.page_failed"
ADMIN_CONSOLE_SHUT: Final = "admin.console_shut"

CONTRACT_PROBLEM: Final = "contract.problem"

TRACES_NOT_TAKEN: Final = "traces.not_taken"
TRACES_TAKEN_AGAIN: Final = "traces.taken_again"

HANDLER_INITIALIZED: Final = "handler.initialized"
HANDLER_RAW_EXCEPTION: Final = "handler.raw_exception"
HANDLER_CONNECTIONS_CUT_OFF: Final = "handler.connections_cut_off"
HANDLER_INBOX_NOT_PURGED: Final = "handler.inbox_not_purged"
HANDLER_VAULT_LEASE: Final = "handler.vault_lease"
HANDLER_SUSPICIOUS_SQL: Final = "handler.suspicious_sql"

ROTATION_SEEN: Final = "rotation.seen"
ROTATION_DONE: Final = "rotation.done"
ROTATION_FAILED: Final = "rotation.failed"
ROTATION_UNREADABLE: Final = "rotation.unreadable"

GUARD_RETRY: Final = "guard.retry"
GUARD_BREAKER_OPENED: Final = "guard.breaker_opened"
GUARD_BREAKER_PROBE: Final = "guard.breaker_probe"
GUARD_BREAKER_CLOSED: Final = "guard.breaker_closed"
GUARD_PAUSED: Final = "guard.paused"
GUARD_REFUSED: Final = "guard.refused"
GUARD_RATE_LIMITED: Final = "guard.rate_limited"

ENGINE_LANE_DIED: Final = "engine.lane_died"
ENGINE_GAVE_UP: Final = "engine.gave_up"
ENGINE_PUBLISH_FAILED: Final = "engine.publish_failed"
ENGINE_PUBLISH_RECOVERED: Final = "engine.publish_recovered"

BUS_ASSIGNED: Final = "bus.assigned"
BUS_REVOKED: Final = "bus.revoked"
BUS_COMMIT_FAILED: Final = "bus.commit_failed"
BUS_PUBLISH_FAILED: Final = "bus.publish_failed"
BUS_PRODUCER_FAILED: Final = "bus.producer_failed"
BUS_CONSUMER_FAILED: Final = "bus.consumer_failed"
BUS_SUBSCRIBER_FAILED: Final = "bus.subscriber_failed"
BUS_SUSPENDED: Final = "bus.suspended"
BUS_RECOVERED: Final = "bus.recovered"
BUS_LIMITS_UNKNOWN: Final = "bus.limits_unknown"
BUS_BROKER_UNREACHABLE: Final = "bus.broker_unreachable"

DELIVERY_FAILED: Final = "delivery.failed"
DELIVERY_UNFORESEEN: Final = "delivery.unforeseen"
DELIVERY_UNRECORDED: Final = "delivery.unrecorded"
DELIVERY_UNPUBLISHABLE: Final = "delivery.unpublishable"
DELIVERY_UNDECODABLE: Final = "delivery.undecodable"


def about(envelope: ModelOnexEnvelope, event: str) -> dict[str, object]:
    """The `extra` of a line about an envelope: which one, whose, and what happens to it. Never its payload."""
    handler = envelope.handler_type
    return {
        "event": event,
        "envelope_id": envelope.envelope_id,
        "correlation_id": envelope.correlation_id,
        "node_id": envelope.source_node if envelope.is_response else envelope.target_node,
        "handler_type": handler,
        "operation": envelope.operation,
    }
