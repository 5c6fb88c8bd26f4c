"""Handlers: each one driver, on the host's loop, and none knows another."""
