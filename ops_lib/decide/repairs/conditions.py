"""What must hold when a step is applied, as reads that are made again then; the same reads show what came true."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ops_lib.change.plan import Call, Condition
from ops_lib.decide.repairs.calls import COMPLETIONS, LOCKS, get_item, list_objects, number, optional, query_completions
from ops_lib.decide.repairs.job import Job
from ops_lib.evidence import Lock, S3Object


def row_is(job: Job, status: str, total: int | None) -> Condition:
    """The jobs row has this status and total_segments (None: absent)."""
    expected = [status or None, None if total is None else str(total)]
    path = "Item.[status.S, total_segments.N]"
    return Condition("status and total_segments of the job", get_item(job, "jobs"), path, expected)


def status_is(job: Job, status: str) -> Condition:
    """The jobs row has this status."""
    return Condition(f"the job's status is {status}", get_item(job, "jobs"), "Item.status.S", status)


def status_is_one_of(job: Job, statuses: Sequence[str]) -> Condition:
    """The jobs row has one of these statuses; any other stands in the answer as it was found."""
    words = " or ".join(dict.fromkeys(statuses))
    choice = ", ".join(f"'{status}'" for status in dict.fromkeys(statuses))
    path = f"contains([{choice}], Item.status.S) && '{words}' || Item.status.S"
    return Condition(f"the job's status is {words}", get_item(job, "jobs"), path, words)


def completed(job: Job) -> tuple[Condition, ...]:
    """The job is where the pipeline leaves a finished one: status, time and film."""
    path = "Item.[status.S, completed_at.N != `null`]"
    row = Condition("the job is completed, with its time", get_item(job, "jobs"), path, ["completed", True])
    return row, film_is(job, there=True)


def film_is(job: Job, *, there: bool) -> Condition:
    """There is a film, or there is none."""
    key = f"jobs/{job.id}/final.mp4"
    word = "exists" if there else "does not exist"
    return objects_are(f"final.mp4 {word}", job.names.output_bucket, key, [key] if there else [])


def recorded_are(job: Job, indexes: Iterable[int]) -> Condition:
    """Exactly these segments are recorded; consistent, all pages, in the order of the sort key."""
    expected = [str(index) for index in sorted(indexes)]
    return Condition("the segments that are recorded", query_completions(job), "Items[].segment_index.N", expected)


def recorded(job: Job, index: int) -> Condition:
    """The segment has its completion row."""
    call = get_item(job, COMPLETIONS, segment_index=number(index))
    return Condition(f"segment {index} is recorded", call, "Item.segment_index.N", str(index))


def not_recorded(job: Job, index: int) -> Condition:
    """The segment has no completion row."""
    call = get_item(job, COMPLETIONS, segment_index=number(index))
    return Condition(f"segment {index} is not recorded", call, "Item", None)


def lock_is(job: Job, lock: Lock | None) -> Condition:
    """The trigger lock is exactly this one, or there is none."""
    call = get_item(job, LOCKS)
    if lock is None:
        return Condition("there is no trigger lock", call, "Item", None)
    times = [optional(lock.triggered_at), optional(lock.started_at)]
    expected = [None if time is None else time["N"] for time in times]
    path = "Item.[triggered_at.N, reassembly_started_at.N]"
    return Condition("when the trigger lock was put and taken", call, path, expected)


def lock_put_at(job: Job, triggered_at: str | None) -> Condition:
    """The trigger lock is the one put then, whether or not a worker has taken it."""
    return Condition("the trigger lock is this plan's", get_item(job, LOCKS), "Item.triggered_at.N", triggered_at)


def lock_taken(job: Job, triggered_at: str | None) -> Condition:
    """A worker has taken the lock that was put then: its message has arrived."""
    path = "Item.[triggered_at.N, reassembly_started_at.N != `null`]"
    return Condition("a media-worker has taken this lock", get_item(job, LOCKS), path, [triggered_at, True])


def objects_are(what: str, bucket: str, prefix: str, keys: Iterable[str]) -> Condition:
    """The listing of a prefix is exactly these keys."""
    return Condition(what, list_objects(bucket, prefix), "Contents[].Key || `[]`", sorted(keys))


def object_is(what: str, bucket: str, seen: S3Object) -> Condition:
    """The object is there, of the size that was seen."""
    return Condition(what, list_objects(bucket, seen.key), f"Contents[?Key == '{seen.key}'].Size", [seen.size_bytes])


def row_gone(job: Job) -> Condition:
    """There is no jobs row."""
    return Condition("the jobs row is gone", get_item(job, "jobs"), "Item", None)


def no_mode(job: Job) -> Condition:
    """There is a row, and it has no mode: a ghost."""
    path = "Item.[job_id.S, mode.S]"
    return Condition("the row exists and has no mode", get_item(job, "jobs"), path, [job.id, None])


def endpoint_in_service(name: str) -> Condition:
    """The SageMaker endpoint takes invocations."""
    call = Call("sagemaker", "DescribeEndpoint", {"EndpointName": name})
    return Condition(f"endpoint {name} is InService", call, "EndpointStatus", "InService")
