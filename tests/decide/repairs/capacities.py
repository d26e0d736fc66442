"""The evidence of capacity of a deployment in a few words, for plans made in tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ops_lib.capacity import ScalableTarget, ScalingPolicy, Service
from ops_lib.decide.repairs import Names
from ops_lib.evidence import Endpoint, LogLine, QueuePair, Task, Unread, WorkerLines
from ops_lib.gathered import CapacityEvidence
from tests.decide.states import HOLDER, JOB, NOW, at, queue
from tests.recorded import read

NAMES = Names("sandbox", "123456789012", "us-east-1", {}, {}, "in", "out", "endpoint", "stereo-spot")
GROUP, STREAM = "/ecs/stereo-spot/media-worker", f"ecs/media-worker/{HOLDER}"
UNASKED = Unread("cloudwatch:GetMetricData", "not-asked", "the plans do not need it", "none")
TARGETS = {"media-worker": (1, 10), "video-worker": (1, 8)}
FOLLOWED = {"media-worker": "chunking", "video-worker": "video-worker"}


def said(text: str, seconds: float) -> LogLine:
    """Return a line of the media-worker's reassembly, so many seconds ago."""
    return LogLine(at(seconds), GROUP, STREAM, f"T [INFO] media_worker.reassembly: reassembly: job_id={JOB} {text}")


def capacity(
    desired: Mapping[str, int] | None = None,
    *,
    running: Mapping[str, int] | None = None,
    targets: Mapping[str, tuple[int, int]] = TARGETS,
    suspended: tuple[str, ...] = (),
    pairs: Iterable[QueuePair] = (),
    lines: Iterable[LogLine] = (),
    instances: int | None = 1,
    **other: Any,
) -> CapacityEvidence:
    """Return it: every worker one task of one, nothing waiting, nothing in hand, unless said otherwise."""
    counts = {"media-worker": 1, "video-worker": 1, "job-worker": 1} | dict(desired or {})
    tasks = counts | dict(running or {})
    services = tuple(Service(name, "ACTIVE", count, tasks[name], 0) for name, count in counts.items())
    queues = {key: queue(key) for key in ("chunking", "video-worker", "reassembly", "ingest", "output-events")}
    evidence = CapacityEvidence(
        queues=queues | {pair.key: pair for pair in pairs},
        services=read(services),
        tasks=read((Task(HOLDER, "media-worker", "RUNNING", at(9000)),)),
        targets=read(tuple(ScalableTarget(name, *bounds, suspended) for name, bounds in targets.items())),
        policies=read(tuple(map(_policy, targets))),
        activities=read(()),
        series=UNASKED,
        work=read(WorkerLines(tuple(lines), NOW - timedelta(days=7), NOW)),
        endpoint=read(Endpoint("endpoint", "InService", "c", None, None, instances)),
    )
    return replace(evidence, **other)


def _policy(service: str) -> ScalingPolicy:
    metric = "ApproximateNumberOfMessagesVisible"
    kind, followed = "TargetTrackingScaling", FOLLOWED[service]
    return ScalingPolicy(service, f"{service}-sqs", kind, metric, followed, "Sum", 10.0, 60, 300)
