"""What Terraform declares beside what is live: a change by hand is reverted by the next apply.

The pipeline's own values (pipeline.md 3, 5); an environment's YAML names those that a deployment has otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ops_lib.decide.capacity import Capacity
from ops_lib.decide.checks import SCALING, counted, is_or_are, main_queues
from ops_lib.decide.findings import Finding
from ops_lib.decide.terraform import where_of_queue, where_of_service
from ops_lib.evidence import Read

# (queue or service, its name, setting) -> value; settings as in the YAML.
Declared = Mapping[tuple[str, str, str], int]
TIMEOUTS_S = {
    **{"chunking": 900, "video-worker": 2400, "reassembly": 3600, "segment-output": 120, "output-events": 120},
    **{"job-status-events": 120, "deletion": 600, "ingest": 1200, "job-events": 60},
}
OLDER_REASSEMBLY_S = 600  # before completions came from job-status-events
MAX_RECEIVES, RETENTION_S = 5, 1_209_600
SCALED = {
    "video-worker": {"min_capacity": 1, "max_capacity": 8, "target": 10},
    "media-worker": {"min_capacity": 1, "max_capacity": 10, "target": 10},
}
COUNTED = {"web-ui": 1}  # the others' desired_count is under ignore_changes
# Settings by the names that AWS has for them.
NAMES = {
    **{"visibility_timeout_s": "VisibilityTimeout s", "max_receive_count": "maxReceiveCount"},
    **{"retention_s": "MessageRetentionPeriod s", "min_capacity": "MinCapacity", "max_capacity": "MaxCapacity"},
    **{"target": "TargetValue", "desired": "desiredCount"},
}


@dataclass(frozen=True)
class Compared:
    """One declared value beside the live one: None where there is none, or it was not read, which `state` says."""

    kind: str
    name: str
    setting: str
    declared: int
    live: float | None
    state: str
    where: str


def defaults(capacity: Capacity) -> dict[tuple[str, str, str], int]:
    """Return what the pipeline's Terraform declares for the queues and services of this deployment."""
    queues = capacity.evidence.queues
    older = {"reassembly": OLDER_REASSEMBLY_S} if "job-status-events" not in queues else {}
    timeouts = {key: seconds for key, seconds in (TIMEOUTS_S | older).items() if key in queues}
    told = {("queue", key, "visibility_timeout_s"): seconds for key, seconds in timeouts.items()}
    told |= {("queue", key, "max_receive_count"): MAX_RECEIVES for key in timeouts}
    told |= {("queue", key, "retention_s"): RETENTION_S for key in timeouts}
    told |= {("service", name, what): value for name, has in SCALED.items() for what, value in has.items()}
    return told | {("service", name, "desired"): value for name, value in COUNTED.items()}


def compare(capacity: Capacity, own: Declared) -> tuple[Compared, ...]:
    """Return every declared value beside the live one; `own`: what the environment's YAML says, before the defaults."""
    live = dict(_live(capacity))
    return tuple(
        _compared(key, value, live, capacity) for key, value in sorted((defaults(capacity) | dict(own)).items())
    )


def _compared(
    key: tuple[str, str, str], declared: int, live: Mapping[tuple[str, str, str], float], capacity: Capacity
) -> Compared:
    kind, name, setting = key
    where = (where_of_queue if kind == "queue" else where_of_service)(name, setting)
    found = live.get(key)
    if found is None:
        state = "not there" if _was_read(capacity, kind, name, setting) else "not read"
    else:
        state = "as declared" if found == declared else "differs"
    return Compared(kind, name, setting, declared, found, state, where)


def _live(capacity: Capacity) -> Iterator[tuple[tuple[str, str, str], float]]:
    for key, queue in main_queues(capacity.evidence):
        yield ("queue", key, "visibility_timeout_s"), queue.visibility_timeout_s
        yield ("queue", key, "retention_s"), queue.retention_s
        if queue.max_receive_count is not None:
            yield ("queue", key, "max_receive_count"), queue.max_receive_count
    for name, target in capacity.targets.items():
        yield ("service", name, "min_capacity"), target.min_capacity
        yield ("service", name, "max_capacity"), target.max_capacity
    for policy in capacity.policies.values():
        if policy.target is not None:
            yield ("service", policy.service, "target"), policy.target
    for name, service in capacity.services.items():
        yield ("service", name, "desired"), service.desired


def _was_read(capacity: Capacity, kind: str, name: str, setting: str) -> bool:
    evidence = capacity.evidence
    if kind == "queue":
        return name not in evidence.queues or isinstance(evidence.queues[name].main, Read)
    parts = {"target": evidence.policies, "desired": evidence.services}
    return isinstance(parts.get(setting, evidence.targets), Read)


def declared_findings(compared: tuple[Compared, ...]) -> Iterator[Finding]:
    """Yield one note on what is not as declared, or that all is; neither where some was not read."""
    other = [one for one in compared if one.state in ("differs", "not there")]
    if other:
        said = f"{counted(other, 'setting')} {is_or_are(other)} not as Terraform declares: the next apply reverts that."
        facts = tuple(
            f"{one.kind} {one.name}, {NAMES[one.setting]}: declared {one.declared}, "
            f"live {'none' if one.live is None else f'{one.live:.10g}'}; declared by {one.where}"
            for one in other
        )
        step = (
            "Put into Terraform what shall stay; or name it under `declared` in the environment's YAML if it is there."
        )
        yield Finding("declared-differs", "note", said, SCALING, facts, step)
    elif all(one.state == "as declared" for one in compared):
        yield Finding("declared-differs", "ok", f"{counted(compared, 'setting')} are as Terraform declares.", SCALING)
