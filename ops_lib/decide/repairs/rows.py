"""Rows that do not say what is: stale completions, no total_segments, a ghost (pipeline.md 8: F27 F34 F35 F53)."""

from __future__ import annotations

from ops_lib.change.plan import Step
from ops_lib.decide.repairs import calls, conditions, reassembly
from ops_lib.decide.repairs.job import Job, Repair
from ops_lib.decide.repairs.names import OWNER, Unsafe
from ops_lib.decide.segments import CHUNK_KEY
from ops_lib.evidence import Completion, known


def remove_stale(job: Job) -> Repair:
    """Return the removal of completions beyond total_segments; then a trigger, where all of it is of this cut."""
    job.require_cut()
    case = job.case
    stale = [row for row in known(case.evidence.completions) if not 0 <= row.segment_index < case.total]
    if not stale or case.total < 1:
        raise Unsafe("no completion lies beyond total_segments")
    removals = tuple(_remove(job, row) for row in sorted(stale, key=lambda row: row.segment_index))
    title = f"remove {len(stale)} stale completions"
    try:
        _check_cut(job)
        then = reassembly.trigger(job.without_completions_beyond()).steps
    except Unsafe as reason:
        left = conditions.recorded_are(job, case.recorded & set(range(case.total)))
        return Repair(f"{title} (no trigger: {reason})", removals, (left,))
    return Repair(f"{title} and trigger", (*removals, *then), conditions.completed(job))


def set_total(job: Job) -> Repair:
    """Return the repair of a row without total_segments: N from the segments' own keys, where all agree."""
    row, keys = job.row, [found.key for found in known(job.case.evidence.chunks)]
    if row.total_segments is not None and row.total_segments > 0:
        raise Unsafe(f"total_segments is there: {row.total_segments}")
    job.require_cut()
    shapes = [shape for key in keys if (shape := CHUNK_KEY.fullmatch(key))]
    totals = {int(shape[2]) for shape in shapes}
    if len(shapes) != len(keys) or len(totals) != 1:
        found = ", ".join(map(str, sorted(totals))) or "none"
        raise Unsafe(f"the segments' keys do not agree on one total (found: {found})", OWNER)
    total = totals.pop()
    if sorted(int(shape[1]) for shape in shapes) != list(range(total)):
        raise Unsafe(f"the keys say {total} segments, but {len(shapes)} lie in the input bucket")
    was = {"status": calls.text(row.status), "total_segments": calls.optional(row.total_segments)}
    bucket, prefix = job.names.input_bucket, f"segments/{job.id}/"
    step = Step(
        title=f"set total_segments of job {job.id} to {total}",
        call=calls.update_job(job, {"total_segments": calls.number(total)}, was),
        before=f"total_segments {row.total_segments if row.total_segments is not None else 'missing'}",
        after=f"total_segments {total}, as every key under {prefix} says",
        risk="It starts nothing: judge the job again afterwards.",
        undo="remove total_segments again",
        conditions=(
            conditions.row_is(job, row.status, row.total_segments),
            conditions.objects_are("the segments in the input bucket", bucket, prefix, keys),
        ),
        done_when=conditions.row_is(job, row.status, total),
        harmless_twice=True,
        doubles=reassembly.TWICE_REFUSED,
    )
    return Repair("set total_segments", (step,), (conditions.row_is(job, row.status, total),))


def delete_ghost(job: Job) -> Repair:
    """Return the removal of a row that an update on a mistyped id made: it has no mode."""
    row = job.row
    if row.mode is not None:
        raise Unsafe("the row has a mode: it is no ghost")
    gone = conditions.row_gone(job)
    step = Step(
        title=f"delete the ghost row {job.id}",
        call=calls.delete_item(job, "jobs", {"mode": None, "status": calls.text(row.status) if row.status else None}),
        before=f"a row without mode, status {row.status!r}: GET /jobs fails for everybody",
        after="no row",
        risk="None known: no job was ever created under this id.",
        undo="put the row again, which nobody wants",
        conditions=(conditions.no_mode(job),),
        done_when=gone,
        harmless_twice=True,
        doubles=reassembly.TWICE_REFUSED,
    )
    return Repair("delete the ghost row", (step,), (gone,))


def _remove(job: Job, row: Completion) -> Step:
    index = calls.number(row.segment_index)
    was = {"completed_at": calls.optional(row.completed_at)}
    return Step(
        title=f"remove the completion of segment {row.segment_index} of job {job.id}",
        call=calls.delete_item(job, calls.COMPLETIONS, was, segment_index=index),
        before=f"segment {row.segment_index} is recorded, but the job has {job.case.total} segments",
        after="no such completion",
        risk="Its output object stays; nothing reads it.",
        undo=f"put it again: segment_index {row.segment_index}, {row.completed_at}, total {row.total_segments}",
        conditions=(conditions.row_is(job, job.row.status, job.case.total),),
        done_when=conditions.not_recorded(job, row.segment_index),
        harmless_twice=True,
        doubles=reassembly.TWICE_REFUSED,
    )


def _check_cut(job: Job) -> None:
    """Raise Unsafe unless every output is younger than the segment of the present cut that it was made from.

    Outputs of both cuts have the same names: a film of an older one's would be wrong.
    """
    case = job.case
    cut = {
        int(shape[1]): found.last_modified
        for found in known(case.evidence.chunks)
        if (shape := CHUNK_KEY.fullmatch(found.key)) and int(shape[2]) == case.total
    }
    for index in range(case.total):
        if index not in cut or index not in case.produced or case.produced[index] < cut[index]:
            raise Unsafe(f"segment {index} was not made from the present cut")
