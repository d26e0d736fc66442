"""Both recordings are really there, over HTTP: each thing as in the file, with its times moved by one shift."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops_lib.sandbox.recording import load
from tests.sandbox.running import Sandbox

ACCOUNT, CLUSTER = "123456789012", "stereo-spot"


@pytest.fixture
def data(recorded: Sandbox) -> dict[str, Any]:
    """The recording as it must have been loaded."""
    content: dict[str, Any] = load(recorded.state["name"], datetime.fromisoformat(recorded.state["loaded_at"])).data
    return content


@pytest.fixture
def is_newest(recorded: Sandbox) -> bool:
    return bool(recorded.state["version"] == "newest")


def by_text(items: list[Any]) -> list[str]:
    return sorted(json.dumps(item, sort_keys=True) for item in items)


def test_it_was_loaded_now(recorded: Sandbox) -> None:
    age = datetime.now(UTC) - datetime.fromisoformat(recorded.state["loaded_at"])
    assert timedelta(0) <= age < timedelta(minutes=2)


def test_every_row(recorded: Sandbox, data: dict[str, Any]) -> None:
    client = recorded.client("dynamodb")
    assert sorted(client.list_tables()["TableNames"]) == sorted(data["tables"])
    for name, table in data["tables"].items():
        assert by_text(client.scan(TableName=name)["Items"]) == by_text(table["Items"])


def test_tables_have_their_keys_indexes_streams_and_expiry(
    recorded: Sandbox, data: dict[str, Any], is_newest: bool
) -> None:
    client = recorded.client("dynamodb")
    streaming = {f"{CLUSTER}-segment-completions"} | ({f"{CLUSTER}-jobs"} if is_newest else set())
    for name, table in data["tables"].items():
        found = client.describe_table(TableName=name)["Table"]
        assert found["KeySchema"] == table["KeySchema"]
        assert [index["IndexName"] for index in found.get("GlobalSecondaryIndexes", [])] == table["GSIs"]
        assert all(
            index["Projection"] == {"ProjectionType": "ALL"} for index in found.get("GlobalSecondaryIndexes", [])
        )
        assert found["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        assert found["ItemCount"] == len(table["Items"])
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"} if name in streaming else None
        assert found.get("StreamSpecification") == stream
        expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        expires = any("ttl" in item for item in table["Items"])
        assert expiry["TimeToLiveStatus"] == ("ENABLED" if expires else "DISABLED")
        assert expiry.get("AttributeName") == ("ttl" if expires else None)


def test_every_job_by_status(recorded: Sandbox, data: dict[str, Any]) -> None:
    client, items = recorded.client("dynamodb"), data["tables"][f"{CLUSTER}-jobs"]["Items"]
    for index, attribute in (("status-completed_at", "completed_at"), ("status-created_at", "created_at")):
        for status in {item["status"]["S"] for item in items}:
            found = client.query(
                TableName=f"{CLUSTER}-jobs",
                IndexName=index,
                KeyConditionExpression="#s = :s",
                ExpressionAttributeNames={"#s": "status"},
                ExpressionAttributeValues={":s": {"S": status}},
            )["Items"]
            # An item that lacks the sort key is not in the index (API reference, "Query").
            expected = [item for item in items if item["status"]["S"] == status and attribute in item]
            assert by_text(found) == by_text(expected)


def test_every_object_with_its_size_and_time(recorded: Sandbox, data: dict[str, Any]) -> None:
    """AWS: API reference, "Object" of S3: Size in bytes, LastModified to the second."""
    client = recorded.client("s3")
    for bucket, listing in data["s3"].items():
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 7})
        found = [(o["Key"], o["Size"], o["LastModified"]) for page in pages for o in page["Contents"]]
        assert found == sorted((o["Key"], o["Size"], datetime.fromtimestamp(o["LastModified"], UTC)) for o in listing)
        head = client.head_object(Bucket=bucket, Key=found[0][0])
        assert (head["ContentLength"], head["LastModified"]) == found[0][1:]
        assert len(client.get_object(Bucket=bucket, Key=found[0][0])["Body"].read()) == found[0][1]


def test_buckets_are_as_terraform_made_them(recorded: Sandbox) -> None:
    client, output = recorded.client("s3"), f"{CLUSTER}-output-{ACCOUNT}"
    for bucket in (output, f"{CLUSTER}-input-{ACCOUNT}"):
        # API reference, "GetBucketVersioning": no Status where it was never enabled.
        assert "Status" not in client.get_bucket_versioning(Bucket=bucket)
    (rule,) = client.get_bucket_lifecycle_configuration(Bucket=output)["Rules"]
    assert rule["Status"] == "Enabled"
    assert rule["Expiration"] == {"Days": 1}
    tags = [{"Key": "stereo-spot-lifecycle", "Value": "expire-segments"}]
    assert rule["Filter"] == {"And": {"Prefix": "jobs/", "Tags": tags}}


def test_every_log_line(recorded: Sandbox, data: dict[str, Any]) -> None:
    client = recorded.client("logs")
    groups = client.describe_log_groups()["logGroups"]
    # Beside the recorded ones the group of the image's build, which nobody recorded (pipeline.md 5).
    built = {name for group in groups if (name := group["logGroupName"]).startswith("/aws/codebuild/")}
    assert {group["logGroupName"] for group in groups} - built == set(data["logs"])
    assert len(built) == 1
    assert {group["retentionInDays"] for group in groups if group["logGroupName"] not in built} == {7}
    for name, lines in data["logs"].items():
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=name, limit=50)
        found = [(e["timestamp"], e["logStreamName"], e["message"]) for page in pages for e in page["events"]]
        assert sorted(found) == sorted((e["timestamp"], e["logStreamName"], e["message"]) for e in lines)
        assert [at for at, _, _ in found] == sorted(at for at, _, _ in found)
        for stream in client.describe_log_streams(logGroupName=name)["logStreams"]:
            assert stream["creationTime"] <= stream["firstEventTimestamp"]
    now_ms = datetime.now(UTC).timestamp() * 1000
    assert all(line["timestamp"] <= now_ms for lines in data["logs"].values() for line in lines)


def test_a_lines_text_says_the_time_of_the_line(recorded: Sandbox, data: dict[str, Any]) -> None:
    stamped = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z \[")
    lines = [line for each in data["logs"].values() for line in each]
    told = [(line["timestamp"], match[1]) for line in lines if (match := stamped.match(line["message"]))]
    assert len(told) > 100
    for timestamp_ms, text in told:
        assert abs(datetime.fromisoformat(f"{text}+00:00").timestamp() - timestamp_ms / 1000) < 2


def test_every_task_and_service(recorded: Sandbox, data: dict[str, Any]) -> None:
    client = recorded.client("ecs")
    arns = client.list_tasks(cluster=CLUSTER)["taskArns"]
    tasks = client.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]
    found = {
        (t["taskArn"].rsplit("/", 1)[-1], t["group"].removeprefix("service:"), t["lastStatus"], t["startedAt"])
        for t in tasks
    }
    assert found == {
        (t["taskId"], t["service"], t["lastStatus"], datetime.fromtimestamp(t["startedAt"], UTC))
        for t in data["ecs_tasks"]
    }
    names = [service["serviceName"] for service in data["ecs"]]
    for service, was in zip(
        client.describe_services(cluster=CLUSTER, services=names)["services"], data["ecs"], strict=True
    ):
        assert {key: service[key] for key in was} == was


def test_task_definitions_carry_their_versions_variables(recorded: Sandbox, is_newest: bool) -> None:
    client = recorded.client("ecs")

    def variables(service: str) -> dict[str, str]:
        definition = client.describe_task_definition(taskDefinition=service)["taskDefinition"]
        return {pair["name"]: pair["value"] for pair in definition["containerDefinitions"][0]["environment"]}

    worker = variables("video-worker")
    assert worker["INFERENCE_BACKEND"] == "sagemaker"
    assert worker["INFERENCE_MAX_IN_FLIGHT"] == ("1" if is_newest else "5")
    assert worker.get("SAGEMAKER_INVOKE_TIMEOUT_SECONDS") == ("3600" if is_newest else None)
    assert ("INFERENCE_INVOCATIONS_TABLE_NAME" in worker) == is_newest
    assert variables("media-worker")["CHUNK_SEGMENT_DURATION_SEC"] == "300"
    assert {variables(name).get("PLATFORM") for name in ("web-ui", "media-worker")} == {"aws" if is_newest else None}


def test_scaling(recorded: Sandbox, data: dict[str, Any]) -> None:
    """AWS: API reference of Application Auto Scaling; User Guide, "Target tracking": two alarms for each policy."""
    client = recorded.client("application-autoscaling")
    targets = client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert [{key: target[key] for key in data["scalable_targets"][0]} for target in targets] == data["scalable_targets"]
    policies = client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert len(policies) == 2
    followed = {"video-worker": f"{CLUSTER}-video-worker", "media-worker": f"{CLUSTER}-chunking"}
    for policy in policies:
        service = policy["ResourceId"].rsplit("/", 1)[-1]
        assert policy["PolicyName"] == f"{CLUSTER}-{service}-sqs"
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        cooldowns = (tracking["TargetValue"], tracking["ScaleInCooldown"], tracking["ScaleOutCooldown"])
        assert cooldowns == (10.0, 300, 60)
        metric = tracking["CustomizedMetricSpecification"]
        assert (metric["MetricName"], metric["Statistic"]) == ("ApproximateNumberOfMessagesVisible", "Sum")
        assert metric["Dimensions"] == [{"Name": "QueueName", "Value": followed[service]}]
        names = [alarm["AlarmName"] for alarm in policy["Alarms"]]
        alarms = recorded.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
        assert {(a["Threshold"], a["ComparisonOperator"]) for a in alarms} == {
            (10.0, "GreaterThanThreshold"),
            (9.0, "LessThanThreshold"),
        }
        assert all(name.startswith(f"TargetTracking-service/{CLUSTER}/{service}-Alarm") for name in names)
        assert all(alarm["Dimensions"] == metric["Dimensions"] for alarm in alarms)


def test_alarms_in_their_states(recorded: Sandbox, data: dict[str, Any]) -> None:
    found = recorded.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{CLUSTER}-")["MetricAlarms"]
    assert by_text([{key: alarm[key] for key in data["alarms"][0]} for alarm in found]) == by_text(data["alarms"])
    assert {tuple(alarm["AlarmActions"]) for alarm in found} == {()}
    assert all(alarm["StateUpdatedTimestamp"] <= datetime.now(UTC) for alarm in found)
    firing = {a["AlarmName"] for a in recorded.client("cloudwatch").describe_alarms(StateValue="ALARM")["MetricAlarms"]}
    assert {a["AlarmName"] for a in data["alarms"] if a["StateValue"] == "ALARM"} <= firing


def test_metrics_are_an_honest_gap(recorded: Sandbox) -> None:
    """AWS: API reference, "GetMetricData": each query has a result, Complete, without points if there are no data."""
    now = datetime.now(UTC)
    queries = [
        {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/SQS",
                    "MetricName": "ApproximateNumberOfMessagesVisible",
                    "Dimensions": [{"Name": "QueueName", "Value": name}],
                },
                "Period": 3600,
                "Stat": "Maximum",
            },
        }
        for number, name in enumerate((f"{CLUSTER}-chunking", f"{CLUSTER}-chunking-dlq", "none"))
    ]
    answer = recorded.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=now - timedelta(days=7), EndTime=now
    )
    results = answer["MetricDataResults"]
    assert [result["Id"] for result in results] == ["q0", "q1", "q2"]
    assert all((r["StatusCode"], r["Timestamps"], r["Values"]) == ("Complete", [], []) for r in results)


def test_the_endpoint(recorded: Sandbox, data: dict[str, Any], is_newest: bool) -> None:
    """AWS: API reference, "DescribeEndpoint": AsyncInferenceConfig is shown here too."""
    client, expected = recorded.client("sagemaker"), data["sagemaker"]
    endpoint = client.describe_endpoint(EndpointName=expected["EndpointName"])
    assert {key: endpoint[key] for key in expected} == expected
    config = client.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    assert endpoint["AsyncInferenceConfig"] == config["AsyncInferenceConfig"]
    output = config["AsyncInferenceConfig"]["OutputConfig"]
    assert output["S3FailurePath"] == f"s3://{CLUSTER}-output-{ACCOUNT}/sagemaker-async-failures/"
    assert ("ClientConfig" in config["AsyncInferenceConfig"]) == is_newest
    (variant,) = config["ProductionVariants"]
    assert (variant["VariantName"], variant["InstanceType"]) == ("AllTraffic", "ml.g4dn.xlarge")
    model = client.describe_model(ModelName=variant["ModelName"])
    assert ("PLATFORM" in model["PrimaryContainer"]["Environment"]) == is_newest
    assert endpoint["CreationTime"] < datetime.fromisoformat(recorded.state["loaded_at"])


def test_the_env_file_is_the_recorded_one(recorded: Sandbox, data: dict[str, Any]) -> None:
    text = (recorded.root / recorded.state["name"] / "sandbox" / ".env").read_text(encoding="utf-8")
    assert text == data["env_file"]


def test_the_account(recorded: Sandbox) -> None:
    assert recorded.client("sts").get_caller_identity()["Account"] == recorded.state["account_id"] == ACCOUNT
