"""Real servers on loopback, without containers: for tests, benchmarks and trying things out, never for production.

A server lives in a folder of its own under the cache folder: what it was started with, its data, its log. It
outlives the command that started it; `down` stops it and removes the folder.
"""
