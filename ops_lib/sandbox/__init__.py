"""The embedded pipeline: an AWS-compatible server on loopback. An extra; nothing else of ops_lib imports it."""
