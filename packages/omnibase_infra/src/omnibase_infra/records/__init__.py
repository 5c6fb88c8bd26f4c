"""Records as whoever operates a host deals with them: dead letters, requests from outside, traces."""
