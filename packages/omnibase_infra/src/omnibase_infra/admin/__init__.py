"""The host's own HTTP server: probes, metrics, and pages for people. It holds no state of the host."""
