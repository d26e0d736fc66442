"""The inference repository as its builds left it: the stub of the first apply, what the endpoint runs, what is newest.

Terraform's first apply pushes the stub as `latest`; each build pushes over that tag (pipeline.md 6).
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from ops_lib.sandbox import registry
from ops_lib.sandbox.recording import Recording
from ops_lib.sandbox.registry import IMAGE_BYTES, MANIFEST, STUB_BYTES

STUB, RUNNING, NEWEST = "stub", "running", "newest"
NEWEST_AGE = timedelta(hours=20)


def before_the_endpoint(recording: Recording) -> None:
    """Push what the endpoint finds behind `latest` when it is made: the stub alone where a scene says so."""
    scene, made = recording.data["scene"], recording.created_at
    registry.push(manifest(STUB), made - timedelta(hours=2), STUB_BYTES, "latest")
    if not (scene and scene.container == STUB):
        _built(RUNNING, recording, made - timedelta(hours=1))


def after_the_endpoint(recording: Recording) -> None:
    """Push what was built since; a recording has nothing newer than what runs."""
    if "captured_at" not in recording.data:
        _built(NEWEST, recording, recording.loaded_at - NEWEST_AGE)


def manifest(which: str) -> str:
    """Return the manifest of one of the images."""
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": which}})


def _built(which: str, recording: Recording, at: datetime) -> None:
    registry.push(manifest(f"{which} {recording.name}"), at, IMAGE_BYTES, "latest")
    registry.build(at + timedelta(seconds=40))
