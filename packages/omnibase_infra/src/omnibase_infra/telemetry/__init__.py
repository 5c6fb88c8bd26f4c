"""What the host says of itself: log lines and the names of their events. Serves nothing."""
