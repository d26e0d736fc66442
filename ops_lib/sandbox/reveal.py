"""After a game day: what was planted, jobs and dead letters, and whether each is well now."""

from __future__ import annotations

from typing import Any

from moto.sqs.models import sqs_backends

from ops_lib.sandbox.incidents import INCIDENTS
from ops_lib.sandbox.incidents.scene import Scene
from ops_lib.sandbox.pipeline.live import Live
from ops_lib.sandbox.pipeline.past import Message, message_id
from ops_lib.sandbox.pipeline.version import queue_name
from ops_lib.sandbox.recording import ACCOUNT, REGION


def reveal(scene: Scene, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return each incident with what is still wrong with its jobs, by id, and with its dead letters (None: nothing)."""
    live = Live(scene.past.version)
    told = []
    for name in names:
        one = INCIDENTS[name]
        jobs = {job.job_id: one.wrong(live, job) for job in scene.about.get(name, [])}
        words = {"name": name, "kind": one.kind, "modes": one.modes, "told": one.told, "remedy": one.remedy}
        letters = [_letter(one.name, letter) for letter in scene.letters[name]] if one.kind == "message" else []
        told.append(words | {"jobs": jobs, "letters": letters})
    return told


def _letter(kind: str, letter: Message) -> dict[str, Any]:
    dead = queue_name(f"{letter.queue}-dlq")
    named = {"class": kind, "message_id": message_id(letter), "queue": dead}
    # By its body: whoever sends it again sends it under another id.
    for queue, wrong in ((dead, "it lies there still"), (queue_name(letter.queue), "it was sent to its queue again")):
        if any(one.body == letter.body for one in sqs_backends[ACCOUNT][REGION].queues[queue]._messages):
            return named | {"wrong": wrong}
    return named | {"wrong": None}
