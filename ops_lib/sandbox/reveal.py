"""After a game day: what was planted, and whether it is well now."""

from __future__ import annotations

from typing import Any

from ops_lib.sandbox.incidents import INCIDENTS
from ops_lib.sandbox.incidents.scene import Scene
from ops_lib.sandbox.pipeline.live import Live


def reveal(scene: Scene, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return each incident with what is still wrong with its jobs, by id (None: nothing)."""
    live = Live(scene.past.version)
    told = []
    for name in names:
        one = INCIDENTS[name]
        jobs = {job.job_id: one.wrong(live, job) for job in scene.about.get(name, [])}
        words = {"name": name, "kind": one.kind, "modes": one.modes, "told": one.told, "remedy": one.remedy}
        told.append(words | {"jobs": jobs})
    return told
