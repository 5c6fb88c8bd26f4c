"""What is for development refuses to start in production."""

from collections.abc import Mapping

from omnibase_core.errors import ProtocolConfigurationError


def refuse_in_production(program: str, environment: Mapping[str, str], instead: str) -> None:
    """Raises ProtocolConfigurationError where ENVIRONMENT says prod; `instead` is the way out."""
    said = environment.get("ENVIRONMENT", "")
    if said.strip().lower() in ("prod", "production"):
        raise ProtocolConfigurationError(f"{program} does not start where ENVIRONMENT={said}; {instead}")
