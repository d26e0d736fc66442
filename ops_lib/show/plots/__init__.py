"""The runbooks' figures: pure functions of DataFrames. No clock, no AWS, no pyplot and its global state."""

from ops_lib.show.plots.capacity import capacity_timeline
from ops_lib.show.plots.jobs import jobs_overview
from ops_lib.show.plots.plot import Plot
from ops_lib.show.plots.queues import queue_depth
from ops_lib.show.plots.story import story_timeline
from ops_lib.show.plots.timeline import segment_timeline

__all__ = ["Plot", "capacity_timeline", "jobs_overview", "queue_depth", "segment_timeline", "story_timeline"]
