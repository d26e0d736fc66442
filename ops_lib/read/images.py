"""The inference image: what the repository holds (ECR), and how its last build ended (CodeBuild)."""

from __future__ import annotations

import re
from typing import Any

from ops_lib.aws import Aws
from ops_lib.deployed import Build, Image
from ops_lib.evidence import Evidence, Unread
from ops_lib.read.attempt import attempt
from ops_lib.read.times import utc

REPOSITORY = re.compile(r"(\d{12})\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/(.+)")
NOT_NAMED = "regenerate the .env; without it the image is looked at by hand"


def read_images(aws: Aws) -> Evidence[tuple[Image, ...]]:
    """Return every image of the repository that the .env names (DescribeImages, all pages), the newest first."""
    url = aws.settings.env.get("ECR_INFERENCE_URL", "")
    parts = REPOSITORY.fullmatch(url)
    source = f"ecr:DescribeImages {url.rpartition('/')[2]}".strip()
    if not parts:
        return Unread(source, "not-asked", f"the .env's ECR_INFERENCE_URL is {url or 'absent'}", NOT_NAMED)
    return attempt(source, lambda: _images(aws, parts[1], parts[2]))


def read_build(aws: Aws) -> Evidence[Build | None]:
    """Return the newest build of the project that the .env names, None where nothing was ever built."""
    project = aws.settings.env.get("CODEBUILD_PROJECT_NAME")
    source = f"codebuild:BatchGetBuilds {project or ''}".strip()
    if not project:
        return Unread(source, "not-asked", "the .env names no CODEBUILD_PROJECT_NAME", NOT_NAMED)
    return attempt(source, lambda: _build(aws, project))


def _images(aws: Aws, registry: str, repository: str) -> tuple[Image, ...]:
    pages = aws.client("ecr").get_paginator("describe_images").paginate(registryId=registry, repositoryName=repository)
    found = [_image(one) for page in pages for one in page["imageDetails"]]
    return tuple(sorted(found, key=lambda one: one.pushed_at, reverse=True))


def _image(got: Any) -> Image:
    return Image(
        digest=got["imageDigest"],
        tags=tuple(got.get("imageTags", ())),
        pushed_at=utc(got["imagePushedAt"]),
        size_bytes=int(got.get("imageSizeInBytes", 0)),
        media_type=got.get("imageManifestMediaType", ""),
    )


def _build(aws: Aws, project: str) -> Build | None:
    client = aws.client("codebuild")
    ids = client.list_builds_for_project(projectName=project, sortOrder="DESCENDING")["ids"]
    if not ids:
        return None
    got = client.batch_get_builds(ids=ids[:1])["builds"][0]
    started, ended = (utc(got[name]) if got.get(name) else None for name in ("startTime", "endTime"))
    return Build(got["id"], got["buildStatus"], started, ended if got.get("buildComplete") else None)
