"""The ONEX Runtime Host: one asyncio process that hosts many declarative nodes."""

__version__ = "0.1.0"
