"""Segments are missing: each is helped by what explains it (pipeline.md 8: F06 F12 F13 F14 F15 F17 F18 F19 F46).

A job may lack several segments for several reasons; one that is under way is left alone.
"""

from __future__ import annotations

from ops_lib.change.plan import Condition, Step
from ops_lib.decide.case import spans
from ops_lib.decide.incomplete import explain
from ops_lib.decide.repairs import conditions
from ops_lib.decide.repairs.completions import record_again
from ops_lib.decide.repairs.events import in_service, infer_again
from ops_lib.decide.repairs.job import Job, Repair
from ops_lib.decide.repairs.names import Unsafe
from ops_lib.decide.repairs.status import set_back
from ops_lib.decide.vocabulary import Action

# By what explains a missing segment: the action that the verdict must call safe.
REMEDIES: dict[str, Action] = {
    "completion-event-dead-lettered": "re-record-completion",
    "completion-never-recorded": "re-record-completion",
    "inference-refused": "set-chunking-complete",
    "inference-failed": "resend-segment-event",
    "inference-timed-out": "resend-segment-event",
    "request-never-uploaded": "replay-dead-letter",
}
STAYS = "A dead letter of it stays in its queue: discard it once the segment is recorded."
RISKS = {
    "inference-refused": f"If the endpoint refuses again, the job is set failed again. {STAYS}",
    "inference-failed": f"Unless image or settings were mended first, the container fails again. {STAYS}",
    "inference-timed-out": f"With segments as long and an instance as slow it times out again. {STAYS}",
    "request-never-uploaded": f"Unless the mended worker was deployed first, it waits in vain again. {STAYS}",
}


def mend(job: Job) -> Repair:
    """Return the repair of every missing segment whose reason has a remedy."""
    job.require_cut()
    causes = {index: cause for index in job.case.missing if (cause := _cause(job, index))}
    if not causes:
        raise Unsafe("no missing segment has a reason that is settled and has a remedy")
    back = _set_back(job) if "inference-refused" in causes.values() else ()
    status = "chunking_complete" if back else job.row.status
    made = tuple(index for index, cause in causes.items() if cause not in RISKS)
    unmade = tuple(index for index, cause in causes.items() if cause in RISKS)
    copies = [record_again(job, index, status) for index in made]
    sends = [_infer(job, index, status, RISKS[causes[index]]) for index in unmade]
    titles = [f"record {_named(made)}"] * bool(made) + [f"convert {_named(unmade)}"] * bool(unmade)
    return Repair(", ".join(titles), (*back, *copies, *sends), _verified(job, status, tuple(causes)))


def make_outputs_again(job: Job) -> Repair:
    """Return the repair of recorded segments whose outputs are gone: inference, then the job is judged again."""
    job.require_cut()
    case, bucket = job.case, job.names.output_bucket
    gone = tuple(index for index in range(case.total) if index not in case.produced)
    steps, verified = [], []
    for index in gone:
        key = f"jobs/{job.id}/segments/{index}.mp4"
        there = conditions.objects_are(f"the output of segment {index} exists", bucket, key, [key])
        absent = conditions.objects_are(f"the output of segment {index} is gone", bucket, key, [])
        risk = "The lock stays as it is: judge the job again once the outputs are there."
        steps.append(infer_again(job, index, job.row.status, there, absent, risk))
        verified.append(there)
    if not gone:
        raise Unsafe("every output is there")
    return Repair(f"convert {_named(gone)} again", tuple(steps), tuple(verified))


def _cause(job: Job, index: int) -> str | None:
    """Return what explains the segment, where that is settled enough for a remedy that the verdict calls safe."""
    segment = next(one for one in job.case.segments if one.segment_index == index)
    names, _ = explain(job.case, job.row, segment)
    remedies = {REMEDIES.get(name) for name in names}
    # Two reasons with the same remedy (F06, F19) need not be told apart.
    return names[0] if len(remedies) == 1 and remedies <= set(job.verdict.safe_actions) else None


def _set_back(job: Job) -> tuple[Step, ...]:
    if job.row.status == "chunking_complete":
        return ()
    why = "the trigger skips a job that is failed. Before the messages, never after them"
    return (set_back(job, "chunking_complete", why, in_service(job)),)


def _infer(job: Job, index: int, status: str, risk: str) -> Step:
    absent = conditions.not_recorded(job, index)
    return infer_again(job, index, status, conditions.recorded(job, index), absent, risk)


def _verified(job: Job, status: str, helped: tuple[int, ...]) -> tuple[Condition, ...]:
    """Return that the job completes, or only that the segments are recorded where more stands in its way."""
    if status == "chunking_complete" and set(helped) == set(job.case.missing):
        return conditions.completed(job)
    return tuple(conditions.recorded(job, index) for index in helped)


def _named(indexes: tuple[int, ...]) -> str:
    return f"segment{'' if len(indexes) == 1 else 's'} {spans(indexes)}"
