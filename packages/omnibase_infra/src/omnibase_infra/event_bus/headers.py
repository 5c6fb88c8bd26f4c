"""The headers of an envelope that a bus publishes by itself."""

from omnibase_core.envelope import ModelOnexEnvelope


def envelope_headers(envelope: ModelOnexEnvelope) -> list[tuple[str, bytes]]:
    """The ids, the target node and the content type."""
    named = {
        "onex-envelope-id": envelope.envelope_id,
        "onex-correlation-id": envelope.correlation_id,
        "onex-causation-id": envelope.causation_id,
        "onex-target-node": envelope.target_node,
    }
    headers = [(name, str(value).encode()) for name, value in named.items() if value is not None]
    return [*headers, ("content-type", b"application/json")]
