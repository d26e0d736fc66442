"""What S3 tells a queue about an object: which events, of which keys, and how the key is written."""

from __future__ import annotations

import json
from typing import Any

import aws
import pytest
from queues import SQS, attribute, make, receive

S3 = aws.client("s3")
KEY = "input/b c/ü+&=%2F.mp4"
# Spaces are +, slashes stay.
ENCODED = "input/b+c/%C3%BC%2B%26%3D%252F.mp4"


@pytest.fixture
def place() -> tuple[str, str]:
    """Return a bucket and the URL of the queue that hears of its .mp4 objects under input/."""
    bucket, url = aws.unique("rules"), make()
    S3.create_bucket(Bucket=bucket)
    configure(bucket, rule(allowed(url, bucket), "input/", ".mp4"))
    return bucket, url


def allowed(url: str, bucket: str) -> str:
    """Return the ARN of a queue once S3 may send to it."""
    arn = attribute(url, "QueueArn")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    SQS.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    return arn


def rule(arn: str, prefix: str = "", suffix: str = "", event: str = "s3:ObjectCreated:*") -> dict[str, Any]:
    ends = [{"Name": name, "Value": value} for name, value in (("prefix", prefix), ("suffix", suffix)) if value]
    return {"QueueArn": arn, "Events": [event]} | ({"Filter": {"Key": {"FilterRules": ends}}} if ends else {})


def configure(bucket: str, *rules: dict[str, Any], **more: Any) -> None:
    told = {"QueueConfigurations": list(rules)}
    S3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told, **more)


def refused(bucket: str, *rules: dict[str, Any]) -> str:
    return aws.code_of(lambda: configure(bucket, *rules))


def heard(url: str) -> list[dict[str, Any]]:
    """Return the records that came, without the test event."""
    bodies = [json.loads(message["Body"]) for message in receive(url, VisibilityTimeout=60)]
    return [record for body in bodies for record in body.get("Records", [])]


def test_a_test_event_comes_first(place: tuple[str, str]) -> None:
    """AWS: User Guide, "Enabling event notifications": S3 sends a test message, s3:TestEvent, with the bucket."""
    bucket, url = place
    (message,) = receive(url)
    body = json.loads(message["Body"])
    assert (body["Service"], body["Event"], body["Bucket"]) == ("Amazon S3", "s3:TestEvent", bucket)


def test_the_event_of_a_put(place: tuple[str, str]) -> None:
    """AWS: User Guide, "Event message structure": the object key name is URL encoded; size, ETag, version 2.x."""
    bucket, url = place
    S3.put_object(Bucket=bucket, Key=KEY, Body=b"12345")
    (record,) = heard(url)
    assert (record["eventSource"], record["eventName"]) == ("aws:s3", "ObjectCreated:Put")
    assert record["eventVersion"].startswith("2.")
    assert record["awsRegion"] == "us-east-1"
    assert record["s3"]["bucket"]["name"] == bucket
    assert record["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{bucket}"
    assert (record["s3"]["object"]["key"], record["s3"]["object"]["size"]) == (ENCODED, 5)
    assert record["s3"]["object"]["eTag"] == "827ccb0eea8a706c4c34a16891f84e7b"
    assert record["s3"]["object"]["sequencer"]


def test_the_event_of_a_copy_onto_itself(place: tuple[str, str]) -> None:
    """AWS: User Guide, "Event notification types": s3:ObjectCreated:Copy; so a copy tells of an object again."""
    bucket, url = place
    S3.put_object(Bucket=bucket, Key="input/x.mp4", Body=b"1")
    heard(url)
    source = {"Bucket": bucket, "Key": "input/x.mp4"}
    S3.copy_object(Bucket=bucket, Key="input/x.mp4", CopySource=source, MetadataDirective="REPLACE")
    (record,) = heard(url)
    assert (record["eventName"], record["s3"]["object"]["key"]) == ("ObjectCreated:Copy", "input/x.mp4")


def test_only_keys_that_match_are_told_of(place: tuple[str, str]) -> None:
    """AWS: User Guide, "Filtering event notifications using object key names": prefix and suffix; events named."""
    bucket, url = place
    for key in ("input/x.txt", "output/x.mp4", "input/x.mp4"):
        S3.put_object(Bucket=bucket, Key=key, Body=b"1")
    S3.delete_object(Bucket=bucket, Key="input/x.mp4")
    assert [record["s3"]["object"]["key"] for record in heard(url)] == ["input/x.mp4"]


def test_the_configuration_is_read_back(place: tuple[str, str]) -> None:
    """AWS: API reference, "GetBucketNotificationConfiguration": as it was put."""
    bucket, url = place
    (queue,) = S3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    assert (queue["QueueArn"], queue["Events"]) == (attribute(url, "QueueArn"), ["s3:ObjectCreated:*"])
    rules = {rule["Name"].lower(): rule["Value"] for rule in queue["Filter"]["Key"]["FilterRules"]}
    assert rules == {"prefix": "input/", "suffix": ".mp4"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("jobs/", ".mp4"), ("jobs/", ".mp4")),
        (("jobs/", ""), ("jobs/x", "")),
        (("", ".mp4"), ("", "4")),
        (("jobs/", ".mp4"), ("", "4")),
        (("jobs/", ""), ("", ".mp4")),
        (("", ""), ("jobs/", ".mp4")),
        (("jobs/", "", "s3:ObjectCreated:Put"), ("jobs/", "", "s3:ObjectCreated:*")),
    ],
)
def test_two_rules_for_one_object(place: tuple[str, str], one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """AWS: User Guide, "Filtering event notifications using object key names": no overlapping prefixes and suffixes."""
    bucket, url = place
    arns = [allowed(each, bucket) for each in (url, make())]
    rules = [rule(arn, *which) for arn, which in zip(arns, (one, other), strict=True)]
    assert refused(bucket, *rules) == "InvalidArgument"
    # What was there before is there still.
    (kept,) = S3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    assert kept["QueueArn"] == arns[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("jobs/", ".mp4"), ("jobs/", ".json")),
        (("jobs/", ".mp4"), ("input/", ".mp4")),
        (("jobs/", "", "s3:ObjectCreated:Put"), ("jobs/", "", "s3:ObjectCreated:Copy")),
        (("jobs/", "", "s3:ObjectCreated:*"), ("jobs/", "", "s3:ObjectRemoved:*")),
    ],
)
def test_two_rules_that_do_not_meet(place: tuple[str, str], one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """AWS: User Guide, "Filtering event notifications using object key names": examples of valid configurations."""
    bucket, url = place
    arns = [allowed(each, bucket) for each in (url, make())]
    configure(bucket, *(rule(arn, *which) for arn, which in zip(arns, (one, other), strict=True)))
    assert len(S3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]) == 2


def test_a_queue_that_is_not_there(place: tuple[str, str]) -> None:
    """AWS: API reference, "PutBucketNotificationConfiguration": destinations are validated, unless told to skip it."""
    bucket, url = place
    missing = rule(attribute(url, "QueueArn").rpartition(":")[0] + ":none")
    assert refused(bucket, missing) == "InvalidArgument"
    configure(bucket, missing, SkipDestinationValidation=True)
    (kept,) = S3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    assert kept["QueueArn"].endswith(":none")
