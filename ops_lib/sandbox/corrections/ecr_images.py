"""The images of the repositories here; moto's know no pages, and a manifest without layers gets a random digest.

AWS: ECR API reference, "DescribeImages", "PutImage": a tag that another image had moves; "BatchDeleteImage".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ecr.responses import ECRResponse

from ops_lib.sandbox import registry
from ops_lib.sandbox.recording import ACCOUNT
from ops_lib.sandbox.registry import IMAGE_BYTES, MANIFEST, Image

Detail = dict[str, Any]
PAGE = 100


class RepositoryNotFoundException(ServiceException):
    """There is no such repository."""

    code = "RepositoryNotFoundException"


class ImageNotFoundException(ServiceException):
    """There is no such image in the repository."""

    code = "ImageNotFoundException"


class ImageAlreadyExistsException(ServiceException):
    """The same image has that tag."""

    code = "ImageAlreadyExistsException"


class InvalidParameterException(ServiceException):
    """What was given together cannot be."""

    code = "InvalidParameterException"


def apply() -> None:
    """Put these operations in the place of moto's."""
    ECRResponse.describe_images = describe_images  # type: ignore[method-assign]
    ECRResponse.put_image = put_image  # type: ignore[method-assign]
    ECRResponse.batch_delete_image = batch_delete_image  # type: ignore[method-assign]


def describe_images(self: ECRResponse) -> ActionResult:
    """DescribeImages: those named, which all must be there, or all of the repository in pages."""
    name, wanted, token, most = map(self._get_param, ("repositoryName", "imageIds", "nextToken", "maxResults"))
    held = _held(name)
    if wanted:
        if token or most:
            raise InvalidParameterException("nextToken and maxResults cannot be used with imageIds.")
        named = {image.digest: image for image in (_named(name, one) for one in wanted)}
        return ActionResult({"imageDetails": [_detail(name, one) for one in named.values()]})
    start = int(token or 0)
    end = start + int(most or PAGE)
    page = {"imageDetails": [_detail(name, one) for one in held[start:end]]}
    return ActionResult(page | ({"nextToken": str(end)} if end < len(held) else {}))


def put_image(self: ECRResponse) -> ActionResult:
    """PutImage: a manifest, and the tag that it is to have."""
    name, manifest, tag = (self._get_param(one) for one in ("repositoryName", "imageManifest", "imageTag"))
    held = _held(name)
    there = next((one for one in held if one.manifest == manifest), None)
    if there and (tag is None or tag in there.tags):
        raise ImageAlreadyExistsException(f"Image with digest '{there.digest}' and tag '{tag}' already exists.")
    image = registry.push(manifest, datetime.now(UTC), IMAGE_BYTES, *filter(None, [tag]), repository=name)
    image_id = {"imageDigest": image.digest} | ({"imageTag": tag} if tag else {})
    shown = {"registryId": ACCOUNT, "repositoryName": name, "imageId": image_id, "imageManifest": manifest}
    return ActionResult({"image": shown})


def batch_delete_image(self: ECRResponse) -> ActionResult:
    """BatchDeleteImage: by tag only that tag goes, and the image with its last; by digest the image with all its tags.

    What is not there is a failure of its own.
    """
    name = self._get_param("repositoryName")
    held, gone, failures = _held(name), [], []
    for one in self._get_param("imageIds"):
        image = registry.found(name, one.get("imageTag"), one.get("imageDigest"))
        if image is None:
            why = {"failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
            failures.append({"imageId": one} | why)
            continue
        image.tags = [tag for tag in image.tags if tag != one.get("imageTag") and "imageTag" in one]
        gone.append(one | {"imageDigest": image.digest})
        if not image.tags:
            held.remove(image)
    return ActionResult({"imageIds": gone, "failures": failures})


def _held(name: str) -> list[Image]:
    if name not in registry.repositories:
        raise RepositoryNotFoundException(
            f"The repository with name '{name}' does not exist in the registry with id '{ACCOUNT}'"
        )
    return registry.repositories[name]


def _named(name: str, one: dict[str, str]) -> Image:
    image = registry.found(name, one.get("imageTag"), one.get("imageDigest"))
    if image is None:
        listed = ", ".join(f"{key}:'{value}'" for key, value in sorted(one.items()))
        raise ImageNotFoundException(
            f"The image with imageId {{{listed}}} does not exist within the repository with name '{name}' in the "
            f"registry with id '{ACCOUNT}'"
        )
    return image


def _detail(name: str, image: Image) -> Detail:
    """Return what is shown of an image: no imageTags where it has none."""
    own = {"registryId": ACCOUNT, "repositoryName": name, "imageDigest": image.digest}
    more = {"imageSizeInBytes": image.size_bytes, "imagePushedAt": image.pushed_at, "imageManifestMediaType": MANIFEST}
    return own | more | ({"imageTags": list(image.tags)} if image.tags else {})
