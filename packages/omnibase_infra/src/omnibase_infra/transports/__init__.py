"""What carries bytes to servers; nothing here knows envelopes."""
