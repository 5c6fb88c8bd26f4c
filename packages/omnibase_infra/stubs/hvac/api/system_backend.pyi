from collections.abc import Awaitable

from hvac.adapters import Adapter, Answer

class Health:
    def __init__(self, adapter: Adapter) -> None: ...
    def read_health_status(self, method: str = "HEAD") -> Awaitable[Answer]: ...
