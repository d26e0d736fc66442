"""ECR's images and CodeBuild's builds of the inference repository, as AWS's documents describe them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import aws
import pytest
from endpoint import IMAGE, SM, refused

ECR, BUILDS = aws.client("ecr"), aws.client("codebuild")
REPOSITORY, PROJECT = "stereo-spot-inference", "stereo-spot-inference-build"
MEDIA = "application/vnd.docker.distribution.manifest.v2+json"


def manifest() -> str:
    return json.dumps({"schemaVersion": 2, "mediaType": MEDIA, "config": {"digest": aws.unique("sha256")}})


def put(tag: str, text: str = "") -> dict[str, Any]:
    asked = {"repositoryName": REPOSITORY, "imageManifest": text or manifest(), "imageTag": tag}
    return dict(ECR.put_image(**asked)["image"])


def shown(**image: str) -> dict[str, Any]:
    (one,) = ECR.describe_images(repositoryName=REPOSITORY, imageIds=[image])["imageDetails"]
    return dict(one)


def delete(**image: str) -> dict[str, Any]:
    return dict(ECR.batch_delete_image(repositoryName=REPOSITORY, imageIds=[image]))


def test_an_image_has_the_digest_of_its_manifest() -> None:
    """AWS: ECR API reference, "PutImage", "ImageIdentifier": imageDigest is the sha256 digest of the manifest."""
    tag, text = aws.unique("tag"), manifest()
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    assert put(tag, text)["imageId"] == {"imageDigest": digest, "imageTag": tag}
    one = shown(imageTag=tag)
    assert (one["imageDigest"], one["imageTags"], one["repositoryName"]) == (digest, [tag], REPOSITORY)
    assert (one["imageManifestMediaType"], one["registryId"]) == (MEDIA, aws.ACCOUNT)
    assert abs(one["imagePushedAt"].timestamp() - aws.NOW) < 300
    assert one["imageSizeInBytes"] > 10**9
    delete(imageDigest=digest)


def test_a_tag_moves_to_the_image_pushed_last() -> None:
    """AWS: ECR User Guide, "Pushing a Docker image": the image that had the tag stays, without it."""
    tag = aws.unique("tag")
    old, new = put(tag)["imageId"], put(tag)["imageId"]
    assert shown(imageTag=tag)["imageDigest"] == new["imageDigest"] != old["imageDigest"]
    assert "imageTags" not in shown(imageDigest=old["imageDigest"])
    for one in (old, new):
        delete(imageDigest=one["imageDigest"])


def test_an_image_keeps_each_of_its_tags() -> None:
    """AWS: ECR API reference, "PutImage", ImageAlreadyExistsException; "BatchDeleteImage": the last tag takes it."""
    one, two, text = aws.unique("tag"), aws.unique("tag"), manifest()
    digest = put(one, text)["imageId"]["imageDigest"]
    put(two, text)
    assert aws.code_of(ECR.put_image, repositoryName=REPOSITORY, imageManifest=text, imageTag=one) == (
        "ImageAlreadyExistsException"
    )
    assert shown(imageDigest=digest)["imageTags"] == [one, two]
    assert delete(imageTag=one)["imageIds"] == [{"imageTag": one, "imageDigest": digest}]
    assert shown(imageDigest=digest)["imageTags"] == [two]
    assert delete(imageTag=two)["failures"] == []
    assert delete(imageTag=two)["failures"][0]["failureCode"] == "ImageNotFound"


def test_what_is_not_there() -> None:
    """AWS: ECR API reference, "DescribeImages": ImageNotFoundException, RepositoryNotFoundException."""
    asked = {"repositoryName": REPOSITORY, "imageIds": [{"imageTag": "no-such-tag"}]}
    assert aws.code_of(ECR.describe_images, **asked) == "ImageNotFoundException"
    assert aws.code_of(ECR.describe_images, repositoryName="no-such-repository") == "RepositoryNotFoundException"
    assert aws.code_of(ECR.describe_images, maxResults=1, **asked) == "InvalidParameterException"


def test_all_images_come_in_pages() -> None:
    """AWS: ECR API reference, "DescribeImages": maxResults, nextToken."""
    tags = [aws.unique("tag") for _ in range(3)]
    made = [put(tag)["imageId"]["imageDigest"] for tag in tags]
    pages = list(
        ECR.get_paginator("describe_images").paginate(repositoryName=REPOSITORY, PaginationConfig={"PageSize": 2})
    )
    digests = [one["imageDigest"] for page in pages for one in page["imageDetails"]]
    assert all(len(page["imageDetails"]) <= 2 for page in pages)
    assert set(made) < set(digests)
    assert len(set(digests)) == len(digests)
    for digest in made:
        delete(imageDigest=digest)


def test_a_model_of_an_image_that_is_not_there_is_refused() -> None:
    """AWS: SageMaker API reference, "ContainerDefinition", Image: the ECR path where the image is stored."""
    for path in (f"{IMAGE}-no", f"{IMAGE.removesuffix(':latest')}@sha256:{'0' * 64}"):
        asked = {"ModelName": aws.unique("model"), "PrimaryContainer": {"Image": path}}
        assert refused(SM.create_model, **asked) == f"Requested image {path} not found."


def test_the_newest_build_comes_first() -> None:
    """AWS: CodeBuild API reference, "ListBuildsForProject", sortOrder; "BatchGetBuilds", "Build": status and times."""
    ids = BUILDS.list_builds_for_project(projectName=PROJECT)["ids"]
    got = BUILDS.batch_get_builds(ids=[*ids, f"{PROJECT}:none"])
    assert got["buildsNotFound"] == [f"{PROJECT}:none"]
    by_id = {one["id"]: one for one in got["builds"]}
    ended = [by_id[one]["endTime"] for one in ids]
    assert ended == sorted(ended, reverse=True)
    oldest_first = BUILDS.list_builds_for_project(projectName=PROJECT, sortOrder="ASCENDING")["ids"]
    assert oldest_first == ids[::-1]
    for one in by_id.values():
        assert (one["buildStatus"], one["buildComplete"], one["projectName"]) == ("SUCCEEDED", True, PROJECT)
        assert one["startTime"] < one["endTime"]


def test_a_project_that_is_not_there() -> None:
    """AWS: CodeBuild API reference, "ListBuildsForProject": ResourceNotFoundException."""
    assert aws.code_of(BUILDS.list_builds_for_project, projectName="no-such") == "ResourceNotFoundException"


@pytest.mark.parametrize(("listing", "key"), [("list_models", "Models"), ("list_endpoint_configs", "EndpointConfigs")])
def test_models_and_configs_are_listed_in_pages(listing: str, key: str) -> None:
    """AWS: SageMaker API reference, "ListModels", "ListEndpointConfigs": newest first, NameContains, MaxResults."""
    stem = aws.unique("listed")
    names = [f"{stem}-{number}" for number in range(3)]
    for name in names:
        SM.create_model(ModelName=name, PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn="arn:aws:iam::1:role/r")
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        SM.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    pages = list(SM.get_paginator(listing).paginate(NameContains=stem.upper(), PaginationConfig={"PageSize": 2}))
    found = [one for page in pages for one in page[key]]
    assert [len(page[key]) for page in pages] == [2, 1]
    assert sorted(one[f"{key[:-1]}Name"] for one in found) == names
    times = [one["CreationTime"] for one in found]
    assert times == sorted(times, reverse=True)
    for name in names:
        SM.delete_endpoint_config(EndpointConfigName=name)
        SM.delete_model(ModelName=name)
    assert getattr(SM, listing)(NameContains=stem)[key] == []


def test_tags_are_listed_and_not_described() -> None:
    """AWS: SageMaker API reference, "ListTags": of a resource by its ARN; "DescribeModel" has none."""
    name, tags = aws.unique("tagged"), [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}]
    made = SM.create_model(
        ModelName=name, PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn="arn:aws:iam::1:role/r", Tags=tags
    )
    assert SM.list_tags(ResourceArn=made["ModelArn"])["Tags"] == tags
    assert "Tags" not in SM.describe_model(ModelName=name)
    SM.delete_model(ModelName=name)
    assert "Could not find" in refused(SM.list_tags, ResourceArn=made["ModelArn"])
