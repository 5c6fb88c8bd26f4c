"""The host on a real broker: each side a process of its own on a core, the broker on another."""
