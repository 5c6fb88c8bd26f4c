"""Commands for those who work on this repository: `uv run python -m tools.<name>`. Nothing here is published."""
