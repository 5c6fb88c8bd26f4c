"""The handlers: siblings that know neither each other nor the bus, and open no client themselves."""
