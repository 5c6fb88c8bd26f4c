"""Pure models and orchestration of the ONEX Runtime Host.

Core decides, infra does: nothing here reads a file, a clock or the environment, draws an id or opens a
socket; time, ids and randomness are passed in.
"""

__version__ = "0.4.0"
