"""Trigger: the lock first, then the message (pipeline.md 8: F03 F04 F07 F10 F11 F16 F31 F33 F38 F48).

Whatever the verdict says, each precondition of "Never trigger unless" is looked at here once more, and all of them
are conditions of the step that puts the lock: a trigger too early ruins a healthy job for good.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ops_lib.change.plan import Condition, Step
from ops_lib.decide.case import spans
from ops_lib.decide.complete import ONE_PAGE_OF_COMPLETIONS
from ops_lib.decide.reassembly import proof_that_run_is_over
from ops_lib.decide.repairs import calls, conditions
from ops_lib.decide.repairs.job import BEING_PROCESSED, Job, Repair
from ops_lib.decide.repairs.names import NOT_YET, Unsafe
from ops_lib.evidence import Lock, known

SECOND = timedelta(seconds=1)
TWICE_REFUSED = "nothing, the second is refused by its own condition"


def trigger(job: Job) -> Repair:
    """Return the repair that leads from all segments recorded to a film, whichever lock there is."""
    lock = job.case.lock
    if lock is None:
        title = "trigger reassembly"
    elif lock.started_at is None:
        title = "send the reassembly message"
    else:
        title = "reset the lock and trigger"
    status = job.row.status
    check(job, status)
    puts, put_at = lock_step(job, status)
    return Repair(title, (*puts, send(job, status, put_at)), conditions.completed(job))


def lock_step(job: Job, status: str) -> tuple[tuple[Step, ...], str | None]:
    """Return the step that puts a lock no worker has taken, none where there is one, and when it was or is put.

    `status`: the job's at that time. Raises Unsafe where the run that took the lock may still be going.
    """
    lock = job.case.lock
    if lock is None:
        return (_put(job, status, job.now),), calls.number(job.now)["N"]
    if lock.started_at is None:
        was_put = calls.optional(lock.triggered_at)
        return (), was_put["N"] if was_put else None
    # Later than the dead one, so that ours can be told from it.
    at = max(job.now, (lock.triggered_at or job.now) + SECOND)
    return (_reset(job, status, lock, at),), calls.number(at)["N"]


def check(job: Job, status: str) -> None:
    """Raise Unsafe unless everything holds that a trigger needs, but for the lock; `status`: the job's by then."""
    case, wanted = job.case, range(job.case.total)
    if status not in BEING_PROCESSED:
        raise Unsafe(f"the status is {status}: a trigger would be skipped, or do harm")
    if not wanted:
        raise Unsafe("total_segments is missing: a trigger would make a truncated film")
    if sorted(row.segment_index for row in known(case.evidence.completions)) != list(wanted):
        raise Unsafe(f"the recorded segments are not exactly 0-{case.total - 1}: a trigger would burn the lock")
    if case.total > ONE_PAGE_OF_COMPLETIONS:
        raise Unsafe(f"{case.total} completions do not fit the worker's one-page read: a trigger burns the lock")
    if gone := tuple(index for index in wanted if index not in case.produced):
        raise Unsafe(f"without an output object: {spans(gone)}; reassembly would fail")
    if case.film is not None:
        raise Unsafe("there is a film already")


def ready(job: Job, status: str) -> tuple[Condition, ...]:
    """Return what a trigger needs but for the lock, to be read again: row, completions, outputs, no film."""
    keys = {found.key for found in known(job.case.evidence.outputs)}
    prefix, bucket = f"jobs/{job.id}/", job.names.output_bucket
    return (
        conditions.row_is(job, status, job.case.total),
        conditions.recorded_are(job, range(job.case.total)),
        conditions.objects_are("every output is there, and no final.mp4", bucket, prefix, keys),
    )


def _put(job: Job, status: str, at: datetime) -> Step:
    return Step(
        title=f"put the trigger lock of job {job.id}",
        call=calls.put_lock(job, at, None),
        before="no trigger lock: reassembly was never triggered, or its lock has expired",
        after="the lock is there, and no worker has taken it",
        risk="Between this step and the next there is a lock without a message: apply the plan again to send it.",
        undo="delete the lock while reassembly_started_at is absent",
        conditions=(*ready(job, status), conditions.lock_is(job, None)),
        done_when=conditions.lock_put_at(job, calls.number(at)["N"]),
        harmless_twice=True,
        doubles=TWICE_REFUSED,
    )


def _reset(job: Job, status: str, lock: Lock, at: datetime) -> Step:
    assert lock.started_at is not None
    proof = _proof_that_run_is_over(job, lock.started_at)
    was = {
        "triggered_at": calls.optional(lock.triggered_at),
        "reassembly_started_at": calls.number(lock.started_at),
    }
    return Step(
        title=f"replace the dead trigger lock of job {job.id}",
        call=calls.put_lock(job, at, was),
        before=f"a worker took the lock at {lock.started_at:%Y-%m-%d %H:%M:%S} UTC; its run is over, without a film",
        after="a new lock, which no worker has taken; at no moment was there none",
        risk=(
            f"That the earlier run is over is not read again: {proof}. The lock is: a run that took it since is seen. "
            "If the cause of death remains (memory, disk), the next run dies as well."
        ),
        undo="none needed: apply the plan again to send the message",
        conditions=(*ready(job, status), conditions.lock_is(job, lock)),
        done_when=conditions.lock_put_at(job, calls.number(at)["N"]),
        harmless_twice=True,
        doubles=TWICE_REFUSED,
    )


def _proof_that_run_is_over(job: Job, started: datetime) -> str:
    ended = [sign for sign in job.case.signs if sign.kind == "reassembly-completed" and sign.at >= started]
    if ended:
        return "the worker logged that it had ended"
    proof = proof_that_run_is_over(job.case, started)
    if proof is None:
        raise Unsafe("nothing proves that the run that took the lock is over: wait, or look at its task", NOT_YET)
    return proof


def send(job: Job, status: str, put_at: str | None) -> Step:
    """Return the message's step; `status`: the job's by then, `put_at`: when its lock was put."""
    if job.case.lock is not None and job.case.lock.started_at is None:
        needed = (*ready(job, status), conditions.lock_is(job, job.case.lock))
    else:
        # Some seconds after the lock's own step, which has read all the rest; later the job may be further.
        alive = conditions.status_is_one_of(job, (status, "reassembling", "completed"))
        needed = (alive, conditions.lock_put_at(job, put_at))
    return Step(
        title=f"send the reassembly message of job {job.id}",
        call=calls.send(job, "reassembly", {"job_id": job.id}),
        before="the lock waits; whether a message of this job is in the queue cannot be read",
        after="a message is in the reassembly queue: the next free media-worker takes the lock and makes the film",
        risk="None known: a message too many finds the lock taken, and the worker deletes it.",
        undo="none: a message cannot be called back",
        conditions=needed,
        done_when=conditions.lock_taken(job, put_at),
        harmless_twice=True,
        doubles="the reassembly message: the worker that finds the lock taken deletes it",
    )
