"""Rows that do not say what is (F27, F28, F34, F35, F36, F51), and a status nobody knows."""

from __future__ import annotations

from ops_lib.sandbox.incidents.incident import Incident, not_completed, row_still_there, touched_if_not
from ops_lib.sandbox.incidents.scene import HOUR, Scene
from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.version import INPUT, OUTPUT


def _do_not_fit(scene: Scene) -> None:
    """Uploaded again while it was being cut, the second time shorter: two totals, and rows of both."""
    job = scene.job("completions-do-not-fit", 5)
    timed = scene.timed(job, lambda one: one.recorded[-1], 2 * HOUR)
    scene.until(timed.untriggered(), scene.now)
    for index in (5, 6):
        scene.past.put_object(INPUT, job.chunk_key(index, 7), 90_000_000, timed.cut[0] - 60)
        scene.past.passed("video-worker", job.chunk_key(index, 7), timed.invoked[0] - 30, timed.invoked[0] - 20)
        scene.past.put_object(OUTPUT, job.output_key(index), 90_000_000, timed.ended[0] - 20)
        for queue in scene.past.version.notified(OUTPUT, job.output_key(index)):
            scene.past.passed(queue, job.output_key(index), timed.ended[0] - 19, timed.ended[0] - 18)
        steps.recorded(scene.past, job, index, timed.ended[0] - 18)


def _no_total(scene: Scene) -> None:
    """Somebody edited the row."""
    job = scene.job("total-segments-missing")
    timed = scene.timed(job, lambda one: one.recorded[-1], 2 * HOUR)
    scene.until(timed.untriggered(), scene.now)
    del scene.past.rows["jobs"][(job.job_id,)]["total_segments"]


def _no_film(scene: Scene) -> None:
    """Somebody deleted the film."""
    timed = scene.timed(scene.job("completed-without-output"), lambda one: one.completed, 5 * HOUR)
    scene.until(timed, scene.now)
    del scene.past.objects[OUTPUT, timed.job.film_key]


def _no_time(scene: Scene) -> None:
    """Somebody set the status by hand and nothing else: the job is in neither list of the web UI."""
    timed = scene.timed(scene.job("completed-without-time"), lambda one: one.completed, 5 * HOUR)
    scene.until(timed, scene.now)
    del scene.past.rows["jobs"][(timed.job.job_id,)]["completed_at"]


def _ghost(scene: Scene) -> None:
    """Somebody mistyped an id in an update: the web UI's list fails for everybody."""
    steps.completed_row(scene.past, scene.job("ghost-job"), scene.ago(6 * HOUR))


def _deleted(scene: Scene) -> None:
    """Deleted by its owner while the last segment was being converted: late results came back."""
    job = scene.job("deleted-job")
    timed = scene.timed(job, lambda one: one.recorded[-1], 4 * HOUR)
    scene.until(timed.untriggered(), scene.now)
    steps.status(scene.past, job, "deleted", timed.recorded[-1])


def _unknown(scene: Scene) -> None:
    """A newer pipeline wrote a status that nobody here knows."""
    job = scene.job("unknown")
    timed = scene.timed(job, lambda one: one.recorded[-1], 2 * HOUR)
    scene.until(timed.untriggered(), scene.now)
    steps.status(scene.past, job, "upscaling", timed.recorded[-1])


INCIDENTS = (
    Incident(
        "completions-do-not-fit",
        "job",
        "F34 F53",
        "Cut twice into different numbers of segments: there are completions beyond the total.",
        "Remove the completions of the other total, then trigger.",
        _do_not_fit,
        not_completed,
    ),
    Incident(
        "total-segments-missing",
        "job",
        "F35",
        "total_segments was removed by hand; triggering would make a truncated film.",
        "Set it from the segments' keys, then judge again.",
        _no_total,
        not_completed,
    ),
    Incident(
        "completed-without-output",
        "job",
        "F51",
        "The film of a completed job was deleted by hand.",
        "Status back to chunking_complete on condition, reset the lock, trigger.",
        _no_film,
        not_completed,
    ),
    Incident(
        "completed-without-time",
        "job",
        "F28",
        "completed was set by hand without completed_at.",
        "Set both in one update.",
        _no_time,
        not_completed,
    ),
    Incident(
        "ghost-job",
        "job",
        "F27",
        "An update of a mistyped id made a row without mode: GET /jobs fails.",
        "Delete that row.",
        _ghost,
        row_still_there,
    ),
    Incident(
        "deleted-job",
        "job",
        "F36",
        "Deleted by its owner; late results came back.",
        "Never touch the job; the deletion message may be sent again.",
        _deleted,
        touched_if_not("deleted"),
        versions=("newest",),
    ),
    Incident(
        "unknown",
        "job",
        "",
        "A status of a newer pipeline.",
        "Change nothing; call its developers.",
        _unknown,
        touched_if_not("upscaling"),
    ),
)
