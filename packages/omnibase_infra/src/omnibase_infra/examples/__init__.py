"""Examples that run from the wheel."""
