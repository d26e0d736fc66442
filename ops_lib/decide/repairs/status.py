"""The status says something else than the film (pipeline.md 8: F09 F23 F28 F43), or the film is gone (F51)."""

from __future__ import annotations

from datetime import datetime

from ops_lib.change.plan import Condition, Step
from ops_lib.decide.case import spans
from ops_lib.decide.repairs import calls, conditions, reassembly
from ops_lib.decide.repairs.job import Job, Repair
from ops_lib.decide.repairs.names import NOBODY, Unsafe
from ops_lib.evidence import S3Object


def set_completed(job: Job) -> Repair:
    """Return the repair of a status that lags behind its film; completed_at is kept where there is one."""
    row, film = job.row, job.case.film
    if film is None:
        return make_film_again(job)
    if row.status == "completed" and row.completed_at:
        raise Unsafe("the job is completed, with its time and its film", NOBODY)
    _check_film(job, film)
    # What was completed by hand was done when its film was; what the pipeline missed is completed now.
    at = film.last_modified if row.status == "completed" else job.now
    time = {} if row.completed_at else {"completed_at": calls.number(at)}
    was = {"status": calls.text(row.status), "completed_at": calls.optional(row.completed_at)}
    seen = conditions.object_is("final.mp4 is the one that was seen", job.names.output_bucket, film)
    step = Step(
        title=f"set job {job.id} completed",
        call=calls.update_job(job, {"status": calls.text("completed")} | time, was),
        before=_told(row.status, row.completed_at),
        after=_told("completed", row.completed_at or at),
        risk="None known: the film exists, and a late worker that sets the same does no harm.",
        undo=f"set the status back to {row.status}",
        conditions=(conditions.row_is(job, row.status, row.total_segments), seen),
        done_when=conditions.completed(job)[0],
        harmless_twice=True,
        doubles=reassembly.TWICE_REFUSED,
    )
    return Repair("set completed", (step,), conditions.completed(job))


def make_film_again(job: Job) -> Repair:
    """Return the way back of a completed job that has no film: a fresh lock, the status, the message.

    The lock first: a run that ends after any step leaves a job that has this verdict and this repair again.
    """
    status = "chunking_complete"
    if job.row.status != "completed":
        raise Unsafe(f"the status is {job.row.status}, and there is no final.mp4")
    reassembly.check(job, status)
    puts, put_at = reassembly.lock_step(job, job.row.status)
    why = "the pipeline reassembles no job that is completed; until the message is sent nothing goes on"
    back = set_back(job, status, why, reassembly.ready(job, job.row.status))
    steps = (*puts, back, reassembly.send(job, status, put_at))
    return Repair("make the film again", steps, conditions.completed(job))


def set_back(job: Job, to: str, why: str, more: tuple[Condition, ...] = ()) -> Step:
    """Return the step that sets the status back to `to`, so that the pipeline goes on from there."""
    row = job.row
    return Step(
        title=f"set job {job.id} back to {to}",
        call=calls.update_job(job, {"status": calls.text(to)}, {"status": calls.text(row.status)}),
        before=f"status {row.status}",
        after=f"status {to}",
        risk=f"It is needed because {why}.",
        undo=f"set the status to {row.status} again",
        conditions=(conditions.row_is(job, row.status, row.total_segments), *more),
        done_when=conditions.status_is(job, to),
        harmless_twice=True,
        doubles=reassembly.TWICE_REFUSED,
    )


def _check_film(job: Job, film: S3Object) -> None:
    case = job.case
    if case.missing:
        raise Unsafe(f"not recorded: {spans(case.missing)}; the film may lack them")
    if case.last_completion and film.last_modified < case.last_completion:
        raise Unsafe("the film is older than the last completion: it may lack segments")


def _told(status: str, completed_at: datetime | None) -> str:
    return f"status {status}, " + (
        f"completed_at {completed_at:%Y-%m-%d %H:%M:%S} UTC" if completed_at else "no completed_at"
    )
