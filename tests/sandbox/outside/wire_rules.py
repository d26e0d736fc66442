"""What comes over the wire: content types, the calls counted, what the server does not serve."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import aws
import pytest

URL = os.environ["AWS_ENDPOINT_URL"]
OUTPUT = f"stereo-spot-output-{aws.ACCOUNT}"
CALLS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "sqs": [("list_queues", {}), ("get_queue_url", {"QueueName": "stereo-spot-chunking"})],
    "dynamodb": [
        ("describe_table", {"TableName": "stereo-spot-jobs"}),
        ("get_item", {"TableName": "stereo-spot-jobs", "Key": {"job_id": {"S": "x"}}}),
        ("scan", {"TableName": "stereo-spot-jobs"}),
    ],
    "logs": [("describe_log_groups", {}), ("filter_log_events", {"logGroupName": "/ecs/stereo-spot/web-ui"})],
    "ecs": [("list_services", {"cluster": "stereo-spot"}), ("list_tasks", {"cluster": "stereo-spot"})],
    "application-autoscaling": [
        ("describe_scalable_targets", {"ServiceNamespace": "ecs"}),
        ("describe_scaling_policies", {"ServiceNamespace": "ecs"}),
    ],
    "sagemaker": [("describe_endpoint", {"EndpointName": "stereo-spot-inference"})],
    "cloudwatch": [("describe_alarms", {}), ("list_metrics", {})],
    "sts": [("get_caller_identity", {})],
    "s3": [
        ("list_objects_v2", {"Bucket": OUTPUT}),
        ("head_bucket", {"Bucket": OUTPUT}),
        ("head_object", {"Bucket": OUTPUT, "Key": "jobs/x%20y/final.mp4"}),
        ("put_object", {"Bucket": OUTPUT, "Key": "jobs/x%20y/final.mp4", "Body": b"x"}),
        ("get_object", {"Bucket": OUTPUT, "Key": "jobs/x%20y/final.mp4"}),
        ("delete_object", {"Bucket": OUTPUT, "Key": "jobs/x%20y/final.mp4"}),
        ("get_bucket_versioning", {"Bucket": OUTPUT}),
        ("get_bucket_location", {"Bucket": OUTPUT}),
        ("get_bucket_lifecycle_configuration", {"Bucket": OUTPUT}),
        ("get_bucket_notification_configuration", {"Bucket": OUTPUT}),
        ("list_buckets", {}),
    ],
}
JSON = ("sqs", "dynamodb", "logs", "ecs", "application-autoscaling", "sagemaker", "cloudwatch")


def called(service: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call; return the answer's headers, also those of an error."""
    client, seen = aws.client(service), {}
    client.meta.events.register("after-call", lambda http_response, **_: seen.update(http_response.headers))
    with suppress(client.exceptions.ClientError):
        getattr(client, operation)(**arguments)
    return {name.lower(): value for name, value in seen.items()}


def counted() -> dict[str, int]:
    with urllib.request.urlopen(f"{URL}/sandbox/calls") as answer:
        return dict(json.load(answer))


def reset() -> None:
    request = urllib.request.Request(f"{URL}/sandbox/calls/reset", b"", {"X-Sandbox-Key": "sandbox"})
    urllib.request.urlopen(request).close()


@pytest.mark.parametrize("service", JSON)
def test_json_services_say_which_json_they_speak(service: str) -> None:
    """AWS: Smithy, "AWS JSON 1.0 protocol" and "AWS JSON 1.1 protocol": application/x-amz-json-1.0 (1.1) both ways."""
    model = aws.client(service).meta.service_model
    expected = f"application/x-amz-json-{model.metadata['jsonVersion']}"
    for operation, arguments in CALLS[service]:
        assert called(service, operation, arguments)["content-type"] == expected
    wrong = {"logs": ("filter_log_events", {"logGroupName": "none"}), "ecs": ("list_tasks", {"cluster": "none"})}
    if service in wrong:
        assert called(service, *wrong[service])["content-type"] == expected


def test_others_keep_theirs() -> None:
    """AWS: API references of S3 and STS: XML, and an object's own type."""
    assert called("s3", "list_objects_v2", {"Bucket": OUTPUT})["content-type"] == "application/xml"
    assert called("sts", "get_caller_identity", {})["content-type"].startswith("text/xml")


def test_every_call_is_counted_by_its_name() -> None:
    """AWS: each protocol names the operation (X-Amz-Target, Action, S3's method and path): the count goes by it."""
    reset()
    expected: Counter[str] = Counter()
    for service, calls in CALLS.items():
        names = aws.client(service).meta.method_to_api_mapping
        for operation, arguments in calls:
            called(service, operation, arguments)
            expected[f"{service}:{names[operation]}"] += 1
    # S3 tells GetBucketLifecycleConfiguration and the like by the query only.
    assert counted() == dict(expected)


def test_no_call_is_lost_when_many_come_at_once() -> None:
    """AWS: (ours) two hundred calls by sixteen threads count as two hundred."""
    reset()
    client = aws.client("sqs")
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: client.list_queues(), range(200)))
    assert counted() == {"sqs:ListQueues": 200}


@pytest.mark.parametrize("path", ["/moto-api/", "/moto-api/data.json", "/moto-api/reset", "/moto-api/reset-auth"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_motos_own_interface_is_not_served(path: str, method: str) -> None:
    """AWS: has no such thing; by it anybody could empty the sandbox."""
    request = urllib.request.Request(URL + path, method=method, data=b"" if method == "POST" else None)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 404
    refused.value.close()
    assert aws.client("dynamodb").describe_table(TableName="stereo-spot-jobs")["Table"]["ItemCount"] > 0


def test_an_operation_that_nobody_wrote_fails_and_is_not_answered_emptily() -> None:
    """AWS: (ours) what nobody has checked is refused as the client's error; boto3 never sees an empty success."""
    client = aws.client("application-autoscaling")
    with pytest.raises(client.exceptions.ClientError) as error:
        client.describe_scheduled_actions(ServiceNamespace="ecs")
    assert error.value.response["Error"]["Code"] == "NotInThisSandbox"
