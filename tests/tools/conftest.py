"""Commands run within the tests' own process here, and leave it as they found it."""

from tests.restored import process_restored

__all__ = ["process_restored"]
