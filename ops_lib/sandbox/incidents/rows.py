"""Rows that do not say what is (F27, F28, F34, F35, F36, F51), and a status nobody knows."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from ops_lib.sandbox.incidents.incident import Incident, not_completed, row_still_there, touched_if_not
from ops_lib.sandbox.incidents.inference import refused_once
from ops_lib.sandbox.incidents.scene import HOUR, MINUTE, Scene
from ops_lib.sandbox.incidents.uploads import VISIBILITY_S as CHUNKING_VISIBILITY_S
from ops_lib.sandbox.incidents.uploads import cut_before
from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.version import INPUT, OUTPUT


def _do_not_fit(scene: Scene) -> None:
    """The update that ends chunking failed; before that was tried again, a shorter source was uploaded and cut."""
    job = scene.job("completions-do-not-fit", 5)
    timed = scene.timed(job, lambda one: one.recorded[-1], 2 * HOUR)
    first = timed.chunk_taken - CHUNKING_VISIBILITY_S
    steps.created(scene.past, job, first - MINUTE)
    cut = cut_before(scene, replace(job, total=7), first, 8)
    error = "An error occurred (InternalServerError) when calling the UpdateItem operation"
    steps.failed_to_process(scene.past, steps.MEDIA, steps.CHUNKING, f"chunking: job_id={job.job_id}", error, cut + 1)
    # Received again while the second source was being cut, so after it.
    scene.past.done("chunking", job.source_key, timed.chunked + 0.2)
    said = f"chunking: job_id={job.job_id} skip (status=chunking_complete)"
    scene.past.line(steps.MEDIA, said, timed.chunked + 0.2, steps.CHUNKING)
    scene.until(replace(timed.untriggered(), created=inf), scene.now)


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
    """Failed, and deleted by its owner while the last segment was being converted after all: the result came back."""
    job, again = refused_once(scene, "deleted-job", 4 * HOUR)
    deleted_by_owner(scene, job, again + 30)
    scene.converted(job, job.total - 1, again)


def deleted_by_owner(scene: Scene, job: Job, at: float) -> None:
    """web-ui marks a completed or failed job; media-worker removes what it has."""
    past = scene.past
    steps.status(past, job, "deleted", at)
    past.send("deletion", job.message, job.job_id, at + 0.1)
    said = f"job_id={job.job_id} marked deleted, deletion message sent"
    past.line(steps.WEB, said, at + 0.1, "stereo_spot_web_ui.routers.jobs")
    past.line(steps.MEDIA, f"deletion: job_id={job.job_id} start", at + 0.8, steps.DELETION)
    for bucket, prefix in ((INPUT, "input"), (INPUT, "segments"), (OUTPUT, "jobs")):
        for place in [one for one in past.objects if one[0] == bucket and one[1].startswith(f"{prefix}/{job.job_id}/")]:
            del past.objects[place]
    for table in ("segment-completions", "reassembly-triggered"):
        for key in [one for one in past.rows[table] if one[0] == job.job_id]:
            del past.rows[table][key]
    past.line(steps.MEDIA, f"deletion: job_id={job.job_id} done", at + 2.9, steps.DELETION)
    past.passed("deletion", job.job_id, at + 0.7, at + 3)


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
