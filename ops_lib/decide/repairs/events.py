"""Send once more the event that starts a piece of work: a segment's inference, or the cutting of a source."""

from __future__ import annotations

from ops_lib.change.plan import Condition, Step
from ops_lib.decide.repairs import calls, conditions
from ops_lib.decide.repairs.job import Job, Repair
from ops_lib.decide.repairs.names import DEPLOYER, OWNER, Unsafe
from ops_lib.decide.segments import CHUNK_KEY
from ops_lib.evidence import S3Object, known

CUTTING = ("created", "chunking_in_progress")
LATER = ("chunking_complete", "reassembling", "completed")


def infer_again(job: Job, index: int, status: str, made: Condition, absent: Condition, risk: str) -> Step:
    """Return the step that sends a segment to inference; `status`: the job's by then, `made`: how it shows."""
    chunk, bucket = _chunk(job, index), job.names.input_bucket
    return Step(
        title=f"send the event of segment {index} of job {job.id} to video-worker",
        call=calls.send(job, "video-worker", calls.object_event(bucket, chunk.key)),
        before=f"segment {index} is cut and not converted; no message of it is waiting as far as was read",
        after="its event is in the video-worker queue: the worker invokes the endpoint, the pipeline goes on by itself",
        risk=risk,
        undo="none: a message cannot be called back; its result is what the pipeline needs anyway",
        conditions=(
            conditions.row_is(job, status, job.case.total),
            conditions.object_is(f"segment {index} lies in the input bucket", bucket, chunk),
            absent,
            *in_service(job),
        ),
        done_when=made,
        harmless_twice=True,
        doubles="the inference of this segment: its cost, and the same output written again",
    )


def cut_again(job: Job) -> Repair:
    """Return the repair of a job that nobody cuts: the event of its source (F25 F41)."""
    row, key = job.row, f"input/{job.id}/source.mp4"
    found = next((one for one in known(job.case.evidence.source) if one.key == key), None)
    if row.status not in CUTTING:
        raise Unsafe(f"the status is {row.status}: chunking would skip the event")
    if found is None:
        raise Unsafe(f"there is no {key}: the source has to be uploaded again", OWNER)
    bucket = job.names.input_bucket
    begun = (*CUTTING[1:], *LATER) if row.status == "created" else LATER
    step = Step(
        title=f"send the source's event of job {job.id} to chunking",
        call=calls.send(job, "chunking", calls.object_event(bucket, key)),
        before=f"status {row.status}, the source is there; no message of it is waiting as far as was read",
        after="its event is in the chunking queue: a media-worker cuts the source",
        risk="If what failed the last time still fails, the job is where it is now. If its message waits after all, "
        "two workers may cut the same source: every segment is converted twice, into the same objects. "
        "A dead letter with the earlier event stays in its queue: discard it once the job is cut.",
        undo="none: a message cannot be called back; chunking skips it once the job is cut",
        conditions=(
            conditions.row_is(job, row.status, row.total_segments),
            conditions.object_is("the source is the one that was seen", bucket, found),
        ),
        done_when=conditions.status_is_one_of(job, begun),
        harmless_twice=True,
        doubles="the source's event: chunking skips it once the job is cut; if two workers are free at once, the "
        "cutting and every inference, into the same objects",
    )
    return Repair("cut the source", (step,), conditions.completed(job))


def in_service(job: Job) -> tuple[Condition, ...]:
    """Return that the endpoint takes invocations, where there is one. Raises Unsafe where it does not now."""
    endpoint = known(job.case.evidence.endpoint)
    if endpoint is None:
        return ()
    if endpoint.status != "InService":
        raise Unsafe(f"the endpoint is {endpoint.status}: until it is InService every invocation is refused", DEPLOYER)
    return (conditions.endpoint_in_service(endpoint.name),)


def _chunk(job: Job, index: int) -> S3Object:
    """Return the segment's object. Raises Unsafe unless exactly one fits the job's total_segments."""
    found = [
        one
        for one in known(job.case.evidence.chunks)
        if one.key.startswith(f"segments/{job.id}/")
        and (shape := CHUNK_KEY.fullmatch(one.key))
        and (int(shape[1]), int(shape[2])) == (index, job.case.total)
    ]
    if len(found) != 1:
        raise Unsafe(f"{len(found)} objects in the input bucket fit segment {index} of {job.case.total}, not one")
    return found[0]
