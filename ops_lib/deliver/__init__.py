"""Deliver a report: put its files, tell people, put the heartbeat. A door and a role of its own; never the pipeline."""
