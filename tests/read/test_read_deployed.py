"""The endpoint with all it is made of: what the answers become, what they never do, and what botocore drops."""

from __future__ import annotations

from typing import Any

import pytest

from ops_lib.aws import Aws
from ops_lib.deployed import Deployed
from ops_lib.evidence import Read, Unread, known
from ops_lib.read.deployed import read_deployed, read_setup
from ops_lib.read.whole import read_whole, unknown_fields
from tests.decide.botocore_configs import shape
from tests.read.crafted import answers

NAME = "stereo-spot-inference"
PARTS = {
    "sagemaker:DescribeEndpoint": "endpoint",
    "sagemaker:DescribeEndpointConfig": "endpoint config",
    "sagemaker:DescribeModel": f"model {NAME}",
    "sagemaker:ListTags": "endpoint config",
    "sagemaker:ListEndpointConfigs": "models and configs",
    "sagemaker:ListModels": "models and configs",
    "ecr:DescribeImages": "images of the inference repository",
    "codebuild:ListBuildsForProject": "last build of the image",
    "codebuild:BatchGetBuilds": "last build of the image",
    "cloudwatch:DescribeAlarms": "alarms",
    "cloudwatch:GetMetricData": "backlog of the endpoint",
    "logs:FilterLogEvents": "lines of the container",
}


def whole(aws: Aws) -> Deployed:
    found = read_deployed(aws, aws.settings.now())
    assert found
    return found


def test_everything_is_read_and_a_gap_stays_a_gap(aws: Aws) -> None:
    found = whole(aws)
    assert found.unread() == {}
    content = known(found.endpoint)
    assert content
    assert (found.status, content.content["EndpointConfigName"]) == ("InService", NAME)
    assert [tag["Key"] for tag in known(found.config).tags] == ["Project", "Name"]
    assert known(found.models[NAME]).content["PrimaryContainer"]["Image"].endswith("/stereo-spot-inference:latest")
    (image, stub) = known(found.images)
    assert (image.tags, stub.tags, stub.size_bytes < image.size_bytes / 100) == (("latest",), (), True)
    build = known(found.build)
    assert build
    assert build.status == "SUCCEEDED"
    assert build.started_at
    assert build.ended_at
    assert build.started_at < image.pushed_at < build.ended_at
    # A recording has no metric history: that is no zero.
    assert known(found.backlog_requests) is None
    assert known(found.metrics).empty
    assert known(found.listing).in_use == {NAME}


@pytest.mark.parametrize("operation", PARTS)
def test_what_is_denied_is_unread_by_its_name(aws: Aws, faults: Any, operation: str) -> None:
    rules, seen = faults
    rules[operation] = "denied"
    found = whole(aws)
    assert PARTS[operation] in found.unread(), (seen, found.unread())
    assert "access denied" in found.unread()[PARTS[operation]].reason


@pytest.mark.parametrize("kind", ["garbage", "empty"])
def test_nonsense_is_no_endpoint(aws: Aws, faults: Any, kind: str) -> None:
    faults[0].update(dict.fromkeys(PARTS, kind))
    found = whole(aws)
    assert isinstance(found.endpoint, Unread)
    assert isinstance(found.images, Unread)
    assert isinstance(found.config, Unread)
    assert found.models == {}


def test_tags_that_are_not_read_leave_the_endpoints_own_status_known(aws: Aws, faults: Any) -> None:
    faults[0]["sagemaker:ListTags"] = "denied"
    assert whole(aws).status == "InService"


@pytest.mark.parametrize("operation", ["DescribeEndpoint", "DescribeEndpointConfig"])
def test_a_config_that_tells_nothing_leaves_unread_what_is_used(aws: Aws, operation: str) -> None:
    """Else a model that a config names, or a config that an endpoint runs, were left over and deleted."""
    with answers(**{operation: lambda body: {}}):
        assert isinstance(whole(aws).listing, Unread)


def test_a_build_that_is_not_found_is_unread(aws: Aws) -> None:
    with answers(BatchGetBuilds=lambda body: {"builds": [], "buildsNotFound": body["ids"]}):
        build = whole(aws).build
    assert isinstance(build, Unread)
    assert build.kind == "garbage"


def test_an_endpoint_that_does_not_exist_is_an_answer(aws: Aws) -> None:
    config, models = read_setup(aws, "no-such-config")
    assert isinstance(config, Unread)
    assert models == {}
    assert isinstance(read_setup(aws, NAME)[1][NAME], Read)


def test_a_field_that_botocore_has_no_name_for_is_told(aws: Aws) -> None:
    fresh = {
        "EndpointConfigName": NAME,
        "EndpointConfigArn": "arn",
        "ProductionVariants": [{"VariantName": "v", "FreshThing": {"a": 1}}],
        "CreationTime": 1,
        "Brand": "new",
    }
    with answers(DescribeEndpointConfig=lambda body: fresh, ListTags=lambda body: {"Tags": []}):
        found = read_whole(aws, "EndpointConfig", NAME)
    assert found.unknown == ("Brand", "ProductionVariants[0].FreshThing")
    assert "Brand" not in found.content
    assert read_whole(aws, "EndpointConfig", NAME).unknown == ()


def test_known_fields_are_no_unknown_ones() -> None:
    own = {"ProductionVariants": [{"VariantName": "v", "CoreDumpConfig": {"DestinationS3Uri": "s3://x"}}], "Tags": []}
    assert list(unknown_fields(own, shape("CreateEndpointConfig"))) == []
    environment = {"PrimaryContainer": {"Environment": {"ANY": "thing"}, "Odd": 1}}
    assert list(unknown_fields(environment, shape("CreateModel"))) == ["PrimaryContainer.Odd"]
