"""The protocols of the ONEX Runtime Host: what a handler and an event bus must do. No implementations."""

__version__ = "0.3.0"
