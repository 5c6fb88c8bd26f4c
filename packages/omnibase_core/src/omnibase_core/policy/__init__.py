"""What stands around a call, as pure state: breaker, token bucket, retries. Time and chance are passed in."""
