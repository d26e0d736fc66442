"""Record again what was made but never recorded (pipeline.md 8: F06 F18 F19): its own event does it.

A copy of the object onto itself makes S3 say once more that it was created; the pipeline then writes the completion,
and triggers if it was the last. Nothing of the tables is written by hand.
"""

from __future__ import annotations

from ops_lib.change.plan import Step
from ops_lib.decide.case import COMPLETION_QUEUES
from ops_lib.decide.repairs import calls, conditions
from ops_lib.decide.repairs.job import Job
from ops_lib.decide.repairs.names import DEVELOPERS, Unsafe
from ops_lib.evidence import S3Object, known

LARGEST_COPY_BYTES = 5 * 2**30  # of one CopyObject; larger ones are copied in parts, which nobody has tried here


def record_again(job: Job, index: int, status: str) -> Step:
    """Return the step that makes the pipeline record a segment that was made; `status`: the job's by then."""
    seen = output_of(job, index)
    bucket = job.names.output_bucket
    _check_events(job)
    if seen.size_bytes > LARGEST_COPY_BYTES:
        raise Unsafe(f"{seen.key} is larger than 5 GiB: one CopyObject cannot copy it", DEVELOPERS)
    return Step(
        title=f"copy segment {index} of job {job.id} onto itself",
        call=calls.copy_onto_itself(bucket, seen.key, seen.etag),
        before=f"{seen.key} exists, its completion row does not",
        after="the same content; S3's event lets the pipeline write the row, and trigger if it was the last",
        risk="Metadata and content type of the object are replaced; nothing of the pipeline reads them. "
        "A dead letter with the earlier event stays in its queue: discard it once the segment is recorded.",
        undo="none needed: the content is the same",
        conditions=(
            conditions.row_is(job, status, job.case.total),
            conditions.object_is(f"segment {index} is the one that was seen", bucket, seen),
        ),
        done_when=conditions.recorded(job, index),
        harmless_twice=True,
        doubles="S3's event: the same row is written again (a copy whose ETag has changed is refused instead)",
    )


def output_of(job: Job, index: int) -> S3Object:
    """Return the segment's output as it was listed. Raises Unsafe where there is none."""
    key = f"jobs/{job.id}/segments/{index}.mp4"
    found = [one for one in known(job.case.evidence.outputs) if one.key == key]
    if not found:
        raise Unsafe(f"there is no {key}: nothing can be recorded")
    return found[0]


def _check_events(job: Job) -> None:
    queue = next((key for key in COMPLETION_QUEUES if key in job.names.queues), None)
    if queue is None:
        raise Unsafe("the pipeline's .env names no queue that records completions")
    if queue == "output-events":
        # 02-23 to 02-25: completions came from SageMaker's results only (pipeline.md 0).
        raise Unsafe("this version of the pipeline records no completion from a segment's own event")
