"""The builds of the inference image; moto makes every build a success of some minutes as soon as anybody looks.

AWS: CodeBuild API reference, "ListBuildsForProject": the newest first, 100 to a page; "BatchGetBuilds".
"""

from __future__ import annotations

from moto.codebuild.exceptions import ResourceNotFoundException
from moto.codebuild.responses import CodeBuildResponse
from moto.core.responses import ActionResult

from ops_lib.sandbox import registry
from ops_lib.sandbox.recording import ACCOUNT, REGION

PAGE = 100


def apply() -> None:
    """Put these operations in the place of moto's."""
    CodeBuildResponse.list_builds_for_project = list_builds_for_project  # type: ignore[method-assign]
    CodeBuildResponse.batch_get_builds = batch_get_builds  # type: ignore[method-assign]


def list_builds_for_project(self: CodeBuildResponse) -> ActionResult:
    """ListBuildsForProject: ids, the newest first unless asked otherwise."""
    name = self._get_param("projectName")
    if name != registry.PROJECT:
        raise ResourceNotFoundException(
            f"The provided project arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{name} does not exist"
        )
    ids = [one["id"] for one in registry.builds]
    ids = ids if self._get_param("sortOrder") == "ASCENDING" else ids[::-1]
    start = int(self._get_param("nextToken") or 0)
    more = {"nextToken": str(start + PAGE)} if start + PAGE < len(ids) else {}
    return ActionResult({"ids": ids[start : start + PAGE]} | more)


def batch_get_builds(self: CodeBuildResponse) -> ActionResult:
    """BatchGetBuilds: those that there are, and the ids of those that there are not."""
    ids = self._get_param("ids")
    found = [one for one in registry.builds if one["id"] in ids]
    return ActionResult({"builds": found, "buildsNotFound": sorted(set(ids) - {one["id"] for one in found})})
