"""One job's story told to a past: every step in its order, up to a moment; what was not done by then lies waiting."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from ops_lib.sandbox.metrics.endpoint import Inference
from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.past import Past
from ops_lib.sandbox.pipeline.plan import Timed

Happening = tuple[float, Callable[..., None], tuple[Any, ...]]


def tell(past: Past, timed: Timed, until: float = inf) -> None:
    """Leave in `past` what was done by `until` (seconds since 1970, UTC)."""
    happened = [one for one in _happenings(past, timed) if one[0] <= until and one[0] < inf]
    happened.sort(key=lambda one: one[0])
    for at, step, about in happened:
        step(*about, at)
    if past.version.is_newest:
        # The older version's messages are delivered again.
        for index in range(timed.job.total):
            if timed.invoked[index] <= until < timed.ended[index]:
                past.under_way.append((timed.job, index, timed.invoked[index]))


def _happenings(past: Past, timed: Timed) -> list[Happening]:
    job, newest = timed.job, past.version.is_newest
    told = (past, job)
    queue = past.version.completion_queue
    found: list[Happening] = [
        (timed.created, steps.created, told),
        (timed.uploaded, steps.uploaded, told),
        (timed.chunk_taken, past.taken, ("chunking", job.source_key)),
        (timed.chunk_taken, steps.chunking_started, told),
        (timed.chunked, steps.chunking_completed, told),
        (timed.chunked, past.done, ("chunking", job.source_key)),
        (timed.triggered, steps.triggered, told),
        (timed.reassembly_taken, past.taken, ("reassembly", job.job_id)),
        (timed.reassembly_taken, steps.reassembly_received, told),
        (timed.reassembly_taken, steps.lock_taken, told),
        (timed.reassembly_taken + 0.4, steps.concat_started, told),
        (timed.film, steps.film_written, told),
        (timed.film + 0.1, past.done, ("reassembly", job.job_id)),
        (timed.film + 0.7, past.taken, (queue, job.film_key)),
        (timed.film + 0.8, past.done, (queue, job.film_key)),
    ]
    if newest:
        found.append((timed.film + 0.6, past.taken, ("output-events", job.film_key)))
        found.append((timed.film + 0.65, past.done, ("output-events", job.film_key)))
        found.append((timed.film + 0.75, steps.completed, told))
    for index in range(job.total):
        found += _segment(past, timed, index)
    return found


def _segment(past: Past, timed: Timed, index: int) -> list[Happening]:
    job, newest, queue = timed.job, past.version.is_newest, past.version.completion_queue
    told = (past, job, index)
    ended, recorded = timed.ended[index], timed.recorded[index]
    output, chunk, response = job.output_key(index), job.chunk_key(index), job.response_key(index)
    found: list[Happening] = [
        (timed.cut[index], steps.segment_cut, told),
        (timed.taken[index], past.taken, ("video-worker", chunk)),
        (timed.invoked[index], steps.invoked, told),
        (timed.started[index], steps.inference_started, told),
        (ended, _ended(past, timed, index), ()),
        (timed.invoked[index] + 0.1 if newest else recorded + 3, past.done, ("video-worker", chunk)),
        (recorded - 0.1, past.taken, (queue, output)),
        (recorded, *_recorded(past, timed, index)),
        (recorded + 0.05, past.done, (queue, output)),
    ]
    if newest:
        for key, at in ((output, ended + 0.2), (response, ended + 0.4)):
            found += [(at, past.taken, ("output-events", key)), (at + 0.05, past.done, ("output-events", key))]
        found += [
            (recorded + 0.1, past.taken, (queue, response)),
            (recorded + 0.15, steps.response_recorded, told),
            (recorded + 0.2, past.done, (queue, response)),
        ]
    return found


def _recorded(past: Past, timed: Timed, index: int) -> tuple[Callable[..., None], tuple[Any, ...]]:
    if past.version.is_newest and timed.recorded[index] < timed.chunked:
        return steps.recording_skipped, (past, timed.job.job_id)
    return steps.recorded, (past, timed.job, index)


def _ended(past: Past, timed: Timed, index: int) -> Callable[[float], None]:
    seconds = timed.ended[index] - timed.started[index]

    def ended(at: float) -> None:
        steps.inference_completed(past, timed.job, index, at, seconds)
        past.inferences.append(Inference(timed.invoked[index], timed.started[index], at))

    return ended
