"""Requests by hand whose parts say different things: judged as one operation, not carried out as another."""

from __future__ import annotations

import http.client
import json
import os
from typing import Any
from urllib.parse import urlencode, urlsplit

import aws
import pytest

AT = urlsplit(os.environ["AWS_ENDPOINT_URL"])
OUTPUT = f"stereo-spot-output-{aws.ACCOUNT}"
READ_LOGS = "Logs_20140328.DescribeLogGroups"
FORM = "application/x-www-form-urlencoded"
JSON = "application/x-amz-json-1.1"
PURGE = f"http://{AT.netloc}/{aws.ACCOUNT}/stereo-spot-ingest"


def signed(service: str, key: str = "sandbox-reader") -> dict[str, str]:
    scope = f"{key}/20261125/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}


def asked(method: str, path: str, headers: dict[str, str], body: str = "") -> tuple[int, str]:
    connection = http.client.HTTPConnection(AT.netloc, timeout=10)
    connection.request(method, path, body.encode(), headers)
    answer = connection.getresponse()
    said = answer.status, answer.read().decode()
    connection.close()
    return said


def form(**parameters: str) -> str:
    return urlencode(parameters)


def queued(name: str) -> str:
    sqs = aws.client("sqs")
    found = sqs.get_queue_attributes(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], AttributeNames=["All"])
    return str(found["Attributes"]["ApproximateNumberOfMessages"])


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", f"/{OUTPUT}/evil"), ("DELETE", f"/{OUTPUT}/x"), ("POST", "/x?uploads")]
)
def test_a_target_header_does_not_make_a_read_of_a_change_in_s3(method: str, path: str) -> None:
    """AWS: IAM User Guide, "Create a signed request": the scope names the service that is asked; another is refused."""
    status, said = asked(method, path, signed("s3") | {"X-Amz-Target": READ_LOGS, "Content-Type": JSON})
    assert status == 400, said
    assert "IncoherentRequest" in said
    keys = aws.client("s3").list_objects_v2(Bucket=OUTPUT, Prefix="evil")
    assert keys["KeyCount"] == 0


@pytest.mark.parametrize("service", ["iam", "ec2", "sqs", "s3express"])
def test_a_form_for_another_service_is_not_carried_out(service: str) -> None:
    """AWS: IAM User Guide, "Create a signed request": the scope names the service that is asked; another is refused."""
    before = queued("stereo-spot-ingest")
    body = form(Action="SendMessage", Version="2012-11-05", QueueUrl=PURGE, MessageBody="x", UserName="evil")
    target = {"X-Amz-Target": READ_LOGS, "Content-Type": FORM}
    status, said = asked("POST", f"/{aws.ACCOUNT}/stereo-spot-ingest", signed(service) | target, body)
    assert status in (400, 403), said
    alarms = form(Action="DescribeAlarms", Version="2010-08-01")
    status, said = asked("PUT", f"/{OUTPUT}/evil", signed(service) | {"Content-Type": FORM}, alarms)
    assert status in (400, 403), said
    assert queued("stereo-spot-ingest") == before


def test_what_is_judged_in_the_body_is_not_overruled_by_the_query() -> None:
    """AWS: SQS Developer Guide, "Making Query API requests": one request has one set of parameters."""
    body = form(Action="PurgeQueue", Version="2012-11-05", QueueUrl=f"{PURGE}-dlq")
    headers = signed("sqs", "sandbox-responder") | {"Content-Type": FORM}
    for path in (f"/?QueueUrl={PURGE}", f"/{aws.ACCOUNT}/stereo-spot-ingest"):
        status, said = asked("POST", path, headers, body)
        assert (status, "IncoherentRequest" in said) == (400, True)


def test_a_form_under_a_json_target_is_refused() -> None:
    """AWS: Smithy, "AWS JSON 1.0 protocol": the content type is application/x-amz-json-1.0."""
    headers = signed("sqs") | {"X-Amz-Target": "AmazonSQS.GetQueueAttributes", "Content-Type": FORM}
    body = form(Action="SendMessage", QueueUrl=PURGE, MessageBody="x") + "&" + json.dumps({"QueueUrl": PURGE})
    assert asked("POST", "/", headers, body)[0] in (400, 403)


@pytest.mark.parametrize(
    "host", ["otherbucket.s3.amazonaws.com", f"{OUTPUT}.s3.localhost", "sqs.us-east-1.amazonaws.com"]
)
def test_another_host_is_not_answered(host: str) -> None:
    """AWS: S3 User Guide, "Virtual hosting of general purpose buckets": a host name names a bucket; here none does."""
    status, said = asked("PUT", f"/{OUTPUT}/k", signed("s3", "sandbox") | {"Host": host})
    assert (status, "IncoherentRequest" in said) == (400, True)


@pytest.mark.parametrize("what", ["upload", "endpoint", "reveal", "calls/reset"])
def test_only_the_owner_moves_the_sandbox_itself(what: str) -> None:
    """AWS: (ours) what changes the sandbox, or tells a game day's secret, is the owner's."""
    for headers in ({}, {"X-Sandbox-Key": "sandbox-reader"}, signed("s3", "sandbox")):
        status, said = asked("POST", f"/sandbox/{what}", headers, json.dumps({"status": "Failed"}))
        assert (status, json.loads(said)) == (403, {"error": "only the sandbox's owner may"})


def test_a_length_that_is_no_number_is_the_clients_error() -> None:
    """AWS: RFC 9110, "Content-Length": a decimal number; anything else is a bad request."""
    for length in ("abc", "-1"):
        connection = http.client.HTTPConnection(AT.netloc, timeout=10)
        connection.putrequest("POST", "/")
        for name, value in (signed("logs") | {"X-Amz-Target": READ_LOGS, "Content-Length": length}).items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 400
        connection.close()


def test_junk_is_counted_under_one_name() -> None:
    """AWS: (ours) the counts by operation do not grow with what nobody knows."""
    counts: list[dict[str, Any]] = []
    for number in range(3):
        asked("POST", "/", signed("logs") | {"X-Amz-Target": f"Junk.{number}", "Content-Type": JSON})
        connection = http.client.HTTPConnection(AT.netloc, timeout=10)
        connection.request("GET", "/sandbox/calls")
        counts.append(json.loads(connection.getresponse().read()))
        connection.close()
    assert len({len(count) for count in counts}) == 1
    assert counts[-1]["(not in this sandbox)"] == counts[0]["(not in this sandbox)"] + 2
