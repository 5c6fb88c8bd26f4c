"""The `onex-host` command: parses, calls, prints. The only room with output of its own and exit codes."""
