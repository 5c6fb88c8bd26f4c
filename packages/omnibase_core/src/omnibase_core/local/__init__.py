"""The room for development and tests: a handler that reaches nothing, and a host of one process for it.

The only room of core that may use the clock, files, the environment and an event loop. Nothing imports it.
"""
