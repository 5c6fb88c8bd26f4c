"""What a test needs besides Python: skipped where it is missing, with the reason; a failure in CI."""

import os

import pytest


def require_service(name: str, available: bool, command: str) -> None:
    """Skips the test where the service `name` is not available; `command` is what makes it so.

    With ONEX_REQUIRE_SERVICES=1 the same is a failure: in CI nothing is left out in silence.
    """
    if available:
        return
    reason = f"needs {name}, which is not available here; get it with: {command}"
    if os.environ.get("ONEX_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{reason} (ONEX_REQUIRE_SERVICES=1 makes this a failure)", pytrace=False)
    pytest.skip(reason)
