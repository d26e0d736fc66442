"""Too few workers, workers that die, work that nothing scales for, a timeout that is too short (F22, F32, F40)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import inf

from ops_lib.sandbox.incidents.incident import Incident, not_completed, nothing
from ops_lib.sandbox.incidents.scene import HOUR, MINUTE, Scene
from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.plan import Timed
from ops_lib.sandbox.pipeline.tasks import crowd_id

KILLED = "OutOfMemoryError: Container killed due to memory usage"
CHUNKING_VISIBILITY_S = 900.0
# The crash loop: since when, how long a task lives, how long until the next one runs.
LOOP_S, LIVES_S, REPLACED_S = 20 * MINUTE, 20.0, 30.0
UPLOADED_S = (18 * MINUTE, 9 * MINUTE, 3 * MINUTE, 4.0)  # before the present
# The reassembly backlog: how many films of how many segments, the last of which it is about, and how long the
# media-worker has been back.
FILMS, SEGMENTS, ABOUT, BACK_S = 160, 5, 3, 6 * MINUTE
NIGHT_S = 17 * HOUR
LONG_FILMS, LONG_SEGMENTS, SHORT_TIMEOUT_S = 6, 24, 60


def _scaled_to_zero(scene: Scene) -> None:
    """Somebody set video-worker's desired count to 0 and forgot it; as few messages as these never scale it out."""
    scene.desired["video-worker"] = 0
    scene.past.tasks.stop("video-worker", scene.ago(50 * MINUTE))
    timed = scene.timed(scene.job("scaled-to-zero", 8), lambda one: one.chunked, 40 * MINUTE)
    scene.until(timed.without("taken"), scene.now)


def _crash_loop(scene: Scene) -> None:
    """A deployment gave media-worker too little memory: every task is killed as soon as it works."""
    scene.trouble["media-worker"] = "crash-loop"
    tasks = scene.past.tasks
    tasks.deploy("media-worker", scene.ago(LOOP_S))
    lives, started = [], scene.ago(LOOP_S) + REPLACED_S
    while started + LIVES_S < scene.now - 5:
        lives.append(started)
        started += LIVES_S + REPLACED_S
    for number, at in enumerate(lives, 1):
        tasks.died("media-worker", at + LIVES_S, 137, KILLED, followed=number < len(lives))
    for ago in UPLOADED_S:
        _received_in_vain(scene, scene.job("crash-loop", 12), scene.ago(ago), lives)


def _received_in_vain(scene: Scene, job: Job, uploaded: float, lives: Iterable[float]) -> None:
    """A source is uploaded, and whichever task finds it visible begins to cut it."""
    steps.created(scene.past, job, uploaded - 30)
    steps.uploaded(scene.past, job, uploaded)
    visible = uploaded + 1
    for started in lives:
        if started + 5 >= visible:
            steps.chunking_started(scene.past, job, started + 5)
            scene.past.taken("chunking", job.source_key, started + 5, hidden_s=CHUNKING_VISIBILITY_S)
            visible = started + 5 + CHUNKING_VISIBILITY_S


def _backlog_scales_nothing(scene: Scene) -> None:
    """The media-worker was stopped over night, the endpoint went on: now one task joins what a night has made."""
    back = scene.ago(BACK_S)
    films = [scene.other(f"film-{number}", SEGMENTS) for number in range(FILMS - ABOUT)]
    films += [scene.job("backlog-scales-nothing", SEGMENTS) for _ in range(ABOUT)]
    ways = scene.one_after_another((film, MINUTE * number) for number, film in enumerate(films))
    shift = back - 20 * MINUTE - ways[-1].triggered
    ways = [one.moved(shift) for one in ways]
    scene.past.tasks.stop("media-worker", max(one.chunked for one in ways) + 5 * MINUTE, again_at=back)
    free = back + 10
    for one in ways:
        lasts = one.film - one.reassembly_taken
        _joined(scene, one, free, lasts)
        free += lasts + 1


def _joined(scene: Scene, one: Timed, taken: float, lasts: float) -> None:
    """Its film is joined from `taken` on, if that is before the present; else its message waits."""
    film = taken + lasts
    done = film + 0.75 if scene.newest else film
    if taken >= scene.now:
        taken = film = done = inf
    scene.until(replace(one, reassembly_taken=taken, film=film, completed=done), scene.now)
    if taken < scene.now < film:
        scene.past.taken("reassembly", one.job.job_id, taken, 0, hidden_s=scene.reassembly_visibility_s)
        scene.unfinished.append(("reassembly", one.job))


def _timeout_too_short(scene: Scene) -> None:
    """Somebody set reassembly's timeout to a minute: long films are received by a second worker while one joins them.

    Nothing is lost as long as the first one lives.
    """
    scene.timeouts["reassembly"] = SHORT_TIMEOUT_S
    scene.minimums["media-worker"] = scene.desired["media-worker"] = scene.crowds["media-worker"] = 2
    jobs = [(scene.job("timeout-too-short", LONG_SEGMENTS), 31 * MINUTE * number) for number in range(LONG_FILMS)]
    ways = scene.one_after_another(jobs)
    shift = scene.ago(20 * MINUTE) - ways[-1].completed
    for one in (way.moved(shift) for way in ways):
        scene.until(one, scene.now)
        again, words = one.reassembly_taken + SHORT_TIMEOUT_S + 1, f"reassembly: job_id={one.job.job_id}"
        second = crowd_id("media-worker", 0)
        for after, said in ((0.0, "received"), (0.1, "lock not acquired (another worker)")):
            scene.past.line_of(second, steps.MEDIA, f"{words} {said}", again + after, steps.REASSEMBLY)


def _incident(name: str, modes: str, told: str, remedy: str, plant: object, **others: object) -> Incident:
    return Incident(name, "capacity", modes, told, remedy, plant, **({"wrong": not_completed} | others))  # type: ignore[arg-type]


INCIDENTS = (
    _incident(
        "scaled-to-zero",
        "F40",
        "video-worker's desired count was set to 0; the few messages that wait never scale it out.",
        "Force one task: the backlog drains by itself.",
        _scaled_to_zero,
        calm_s=HOUR + 15 * MINUTE,
    ),
    _incident(
        "crash-loop",
        "F22",
        "media-worker's tasks are killed for want of memory as soon as they work.",
        "Raise ecs_media_worker_memory and apply; what was begun is begun again.",
        _crash_loop,
        calm_s=HOUR,
    ),
    _incident(
        "backlog-scales-nothing",
        "",
        "One media-worker joins what a night has made: a reassembly backlog scales nothing.",
        "Suspend scaling in, set the desired count to 4; give both back once the queue is empty.",
        _backlog_scales_nothing,
        calm_s=NIGHT_S,
    ),
    _incident(
        "timeout-too-short",
        "F32",
        "reassembly's VisibilityTimeout was set to a minute: long films are received twice.",
        "Set it to more than the longest reassembly takes, here and in sqs.tf.",
        _timeout_too_short,
        wrong=nothing,
        calm_s=4 * HOUR,
    ),
)
