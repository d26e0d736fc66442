"""The inference repository's images and the builds that pushed them: what ECR and CodeBuild show of this sandbox."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ops_lib.sandbox.recording import ACCOUNT, CLUSTER, REGION

REPOSITORY = f"{CLUSTER}-inference"
URL = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}"
PROJECT = f"{CLUSTER}-inference-build"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
OWN = re.compile(rf"{re.escape(URL.rpartition('/')[0])}/([^:@]+)(?::([^@]+))?(?:@(sha256:[0-9a-f]{{64}}))?")
STUB_BYTES, IMAGE_BYTES = 54_112_030, 7_914_480_216  # a small Python; CUDA, PyTorch and iw3
BUILD = timedelta(minutes=24)


@dataclass
class Image:
    """One image of a repository; `pushed_at` UTC."""

    digest: str
    pushed_at: datetime
    size_bytes: int
    manifest: str
    tags: list[str] = field(default_factory=list)


# By repository; of CodeBuild the builds of PROJECT, the oldest first. One server is one account.
repositories: dict[str, list[Image]] = {}
builds: list[dict[str, Any]] = []


def digest_of(manifest: str) -> str:
    """Return a manifest's digest, which is the image's."""
    return f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"


def push(manifest: str, at: datetime, size_bytes: int, *tags: str, repository: str = REPOSITORY) -> Image:
    """Put an image, or give one that is there more tags; a tag leaves the image that had it."""
    held = repositories.setdefault(repository, [])
    image = next((one for one in held if one.manifest == manifest), None)
    if image is None:
        image = Image(digest_of(manifest), at, size_bytes, manifest)
        held.append(image)
    for one in held:
        one.tags = [tag for tag in one.tags if tag not in tags]
    image.tags += tags
    return image


def build(ended: datetime, status: str = "SUCCEEDED") -> None:
    """Add a build of the inference image that ended then."""
    name, number = f"{PROJECT}:{hashlib.md5(str(ended).encode()).hexdigest()}", len(builds) + 1
    made = {"id": name, "arn": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:build/{name}", "buildNumber": number}
    times = {"startTime": ended - BUILD, "endTime": ended, "buildComplete": True}
    builds.append(made | times | {"buildStatus": status, "currentPhase": "COMPLETED", "projectName": PROJECT})


def found(repository: str, tag: str | None = None, digest: str | None = None) -> Image | None:
    """Return the image that has both the tag and the digest, of those that are given."""
    fits = (one for one in repositories.get(repository, ()) if tag in (None, *one.tags))
    return next((one for one in fits if digest in (None, one.digest)), None)


def stub() -> str:
    """Return the digest path of the stub image of the first apply."""
    image = min(repositories[REPOSITORY], key=lambda one: one.size_bytes)
    return f"{URL}@{image.digest}"


def own(path: str) -> tuple[str, str | None, str | None] | None:
    """Return repository, tag and digest of an image path of this account, None for another's or an unknown one."""
    parts = OWN.fullmatch(path)
    if not parts or parts[1] not in repositories:
        return None
    return parts[1], parts[2] or (None if parts[3] else "latest"), parts[3]


def is_missing(path: str) -> bool:
    """Return whether a path names an image of a repository here, and there is no such image."""
    named = own(path)
    return bool(named) and found(*named) is None  # type: ignore[misc]


def resolved(path: str) -> str | None:
    """Return the digest path that an image path of a repository here stands for now, None where there is none."""
    named = own(path)
    image = found(*named) if named else None
    return f"{path.rpartition('/')[0]}/{named[0]}@{image.digest}" if named and image else None
