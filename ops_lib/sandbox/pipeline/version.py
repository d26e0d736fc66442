"""What differs between the two versions of the pipeline: who does which step, and where its events go."""

from __future__ import annotations

from dataclasses import dataclass

from ops_lib.sandbox.recording import ACCOUNT, CLUSTER, REGION

INPUT, OUTPUT = f"{CLUSTER}-input-{ACCOUNT}", f"{CLUSTER}-output-{ACCOUNT}"
ENDPOINT = f"{CLUSTER}-inference"
ENDPOINT_GROUP = f"/aws/sagemaker/Endpoints/{ENDPOINT}"
ENDPOINT_STREAM = "AllTraffic/i-0b1946f5e2a8c7d31"
VERSIONS = ("runbook", "newest")


@dataclass(frozen=True)
class Rule:
    """One rule of a bucket's notifications: objects under `prefix` that end in `suffix` go to `queues`."""

    bucket: str
    prefix: str
    suffix: str
    queues: tuple[str, ...]

    def covers(self, bucket: str, key: str) -> bool:
        """Return whether an object made there sends its event by this rule."""
        return bucket == self.bucket and key.startswith(self.prefix) and key.endswith(self.suffix)


@dataclass(frozen=True)
class Version:
    """One version of the pipeline (pipeline.md 9).

    `recorder` writes completions, triggers and (newest) sets the final status; `in_flight` is how many inferences
    one video-worker starts before it waits; `consumers` names the queues each service's loops receive from.
    """

    name: str
    completion_queue: str
    recorder: str
    in_flight: int
    rules: tuple[Rule, ...]
    consumers: dict[str, tuple[str, ...]]

    @property
    def is_newest(self) -> bool:
        """Return whether job-worker and the statuses it writes exist."""
        return self.name == "newest"

    @property
    def services(self) -> tuple[str, ...]:
        """Return the worker services."""
        return tuple(name for name in self.consumers if name != "web-ui")

    def notified(self, bucket: str, key: str) -> tuple[str, ...]:
        """Return the queues that S3 tells of a new object, by their short names."""
        return next((rule.queues for rule in self.rules if rule.covers(bucket, key)), ())


_SOURCES = (
    Rule(INPUT, "input/", ".mp4", ("chunking",)),
    Rule(INPUT, "segments/", ".mp4", ("video-worker",)),
)
# The defect F02 cured: one rule for each kind of object, fanned out by one topic to both queues.
_BOTH = ("output-events", "job-status-events")
_RULES = {
    "runbook": (*_SOURCES, Rule(OUTPUT, "jobs/", ".mp4", ("segment-output",))),
    "newest": (
        *_SOURCES,
        Rule(OUTPUT, "jobs/", ".mp4", _BOTH),
        Rule(OUTPUT, "jobs/", ".reassembly-done", _BOTH),
        Rule(OUTPUT, "sagemaker-async-responses/", "", _BOTH),
        Rule(OUTPUT, "sagemaker-async-failures/", "", _BOTH),
    ),
}
_RUNBOOK = Version(
    "runbook",
    "segment-output",
    "video-worker",
    5,
    _RULES["runbook"],
    {"media-worker": ("chunking", "reassembly"), "video-worker": ("video-worker", "segment-output")},
)
_NEWEST = Version(
    "newest",
    "job-status-events",
    "job-worker",
    1,
    _RULES["newest"],
    {
        "media-worker": ("chunking", "reassembly", "deletion", "ingest"),
        "video-worker": ("video-worker", "output-events"),
        "job-worker": ("job-status-events",),
        "web-ui": ("job-events",),
    },
)
_ALL = {"runbook": _RUNBOOK, "newest": _NEWEST}


def version_named(name: str) -> Version:
    """Return the version of that name."""
    return _ALL[name]


def queue_name(short: str) -> str:
    """Return the SQS name of the queue the pipeline calls `short`."""
    return f"{CLUSTER}-{short}"


def queue_arn(short: str) -> str:
    """Return the ARN of the queue the pipeline calls `short`."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue_name(short)}"
