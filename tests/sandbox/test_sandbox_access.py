"""The keys of a sandbox and what requests need; the rules in outside/access_rules.py see the same over the wire."""

from __future__ import annotations

import base64
import io
import json
import stat
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ops_lib.sandbox.access import Access
from ops_lib.sandbox.actions import Needed, needed
from ops_lib.sandbox.coherent import SIGNED_AS
from ops_lib.sandbox.credentials import OWNER, READER, RESPONDER, Signed, signed
from ops_lib.sandbox.operations import TARGETS, operation_of
from ops_lib.sandbox.refusals import EXPIRED, UNKNOWN_KEY, UNSIGNED, Refused
from tests.sandbox.running import command, start

HERE = "us-east-1:123456789012"
TABLE = f"arn:aws:dynamodb:{HERE}:table"
CHUNKING = f"arn:aws:sqs:{HERE}:stereo-spot-chunking"
URL = "http://127.0.0.1:1/123456789012/stereo-spot-chunking"


def request(target: str, said: Any, key: str = READER, token: str = "") -> dict[str, Any]:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    service = TARGETS.get(target.partition(".")[0], "x")
    place = f"{key}/20261125/us-east-1/{SIGNED_AS.get(service, service)}/aws4_request"
    scope = f"AWS4-HMAC-SHA256 Credential={place}, SignedHeaders=host, Signature=0"
    told = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "QUERY_STRING": "", "CONTENT_LENGTH": str(len(body))}
    told |= {"CONTENT_TYPE": "application/x-amz-json-1.0"}
    made = told | {"HTTP_X_AMZ_TARGET": target, "HTTP_AUTHORIZATION": scope, "wsgi.input": io.BytesIO(body)}
    return made | ({"HTTP_X_AMZ_SECURITY_TOKEN": token} if token else {})


def test_a_notebook_finds_the_readers_key_and_nobody_elses(tmp_path: Path) -> None:
    state = start(tmp_path, "recording-runbook").state
    place = tmp_path / "recording-runbook" / "sandbox"
    try:
        assert (state["access_key_id"], state["secret_access_key"]) == (READER, READER)
        written = "".join((place / name).read_text(encoding="utf-8") for name in ("state.json", ".env"))
        assert RESPONDER not in written
        assert f'"{OWNER}"' not in written
        responder = place / "responder.json"
        assert json.loads(responder.read_text(encoding="utf-8"))["access_key_id"] == RESPONDER
        assert stat.S_IMODE(responder.stat().st_mode) == 0o600
    finally:
        command(tmp_path, "stop")
    assert not (place / "responder.json").exists()


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=A/2/r/s/aws4_request, S"}, Signed("A", "r", "s", "")),
        ({"HTTP_AUTHORIZATION": "AWS A:sig", "HTTP_X_AMZ_SECURITY_TOKEN": "t"}, Signed("A", "", "s3", "t")),
        (
            {"QUERY_STRING": "X-Amz-Credential=A%2F2%2Fr%2Fs3%2Faws4_request&X-Amz-Signature=s&X-Amz-Security-Token=t"},
            Signed("A", "r", "s3", "t"),
        ),
        ({"QUERY_STRING": "AWSAccessKeyId=A&Signature=s&x-amz-security-token=t"}, Signed("A", "", "s3", "t")),
        ({"QUERY_STRING": "Signature=s"}, None),
        ({"HTTP_AUTHORIZATION": "Bearer A"}, None),
        ({}, None),
    ],
)
def test_who_signed(environ: dict[str, str], found: Signed | None) -> None:
    assert signed(environ) == found


@pytest.fixture(scope="module")
def access() -> Access:
    return Access()


def refusal(access: Access, environ: dict[str, Any]) -> Refused:
    with pytest.raises(Refused) as refused:
        access.admit(environ, operation_of(environ))
    return refused.value


def test_a_session_ends(access: Access) -> None:
    alive = access.session("stereo-spot-ops-reader", "one", "token", time.time() + 60)
    access.principals["ASIA1"] = alive
    ask = ("AmazonSQS.GetQueueUrl", {"QueueName": "stereo-spot-chunking"}, "ASIA1", "token")
    assert access.admit(request(*ask), "sqs:GetQueueUrl") is alive
    access.principals["ASIA1"] = replace(alive, expires=time.time() - 1)
    assert refusal(access, request(*ask)).kind is EXPIRED
    assert refusal(access, request(*ask[:3], "other")).kind is UNKNOWN_KEY


def test_who_is_not_known_is_not_admitted_even_to_ask_who_they_are(access: Access) -> None:
    stranger = request("AmazonSQS.GetQueueUrl", {}, "stranger")
    assert refusal(access, stranger).kind is UNKNOWN_KEY
    assert refusal(access, {name: value for name, value in stranger.items() if "AUTH" not in name}).kind is UNSIGNED
    with pytest.raises(Refused):
        access.admit(stranger, "sts:GetCallerIdentity")


HANDLE = base64.b64encode(json.dumps({"taskId": "1", "sourceArn": f"{CHUNKING}-dlq"}).encode()).decode()
PASSED = (("iam:PassedToService", "sagemaker.amazonaws.com"),)
CLUSTER = (("ecs:cluster", f"arn:aws:ecs:{HERE}:cluster/c"),)


@pytest.mark.parametrize(
    ("target", "said", "expected"),
    [
        ("AmazonSQS.DeleteMessageBatch", {"QueueUrl": URL}, [("sqs:DeleteMessage", CHUNKING)]),
        ("AmazonSQS.ListQueues", {}, [("sqs:ListQueues", "*")]),
        ("AmazonSQS.CancelMessageMoveTask", {"TaskHandle": HANDLE}, [("sqs:CancelMessageMoveTask", f"{CHUNKING}-dlq")]),
        ("AmazonSQS.CancelMessageMoveTask", {"TaskHandle": "?"}, [("sqs:CancelMessageMoveTask", "*")]),
        (
            "AmazonSQS.StartMessageMoveTask",
            {"SourceArn": f"{CHUNKING}-dlq", "DestinationArn": CHUNKING},
            [
                ("sqs:StartMessageMoveTask", f"{CHUNKING}-dlq"),
                ("sqs:ReceiveMessage", f"{CHUNKING}-dlq"),
                ("sqs:DeleteMessage", f"{CHUNKING}-dlq"),
                ("sqs:SendMessage", CHUNKING),
            ],
        ),
        ("DynamoDB_20120810.Query", {"TableName": "t", "IndexName": "i"}, [("dynamodb:Query", f"{TABLE}/t/index/i")]),
        ("DynamoDB_20120810.GetItem", {"TableName": f"{TABLE}/t"}, [("dynamodb:GetItem", f"{TABLE}/t")]),
        (
            "DynamoDB_20120810.BatchWriteItem",
            {"RequestItems": {"a": [], "b": []}},
            [("dynamodb:BatchWriteItem", f"{TABLE}/a"), ("dynamodb:BatchWriteItem", f"{TABLE}/b")],
        ),
        (
            "DynamoDB_20120810.TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "a"}}, {"ConditionCheck": {"TableName": "b"}}]},
            [("dynamodb:PutItem", f"{TABLE}/a"), ("dynamodb:ConditionCheckItem", f"{TABLE}/b")],
        ),
        ("DynamoDB_20120810.ListTables", {}, [("dynamodb:ListTables", "*")]),
        (
            "Logs_20140328.StartQuery",
            {"logGroupNames": ["a"], "logGroupIdentifiers": [f"arn:aws:logs:{HERE}:log-group:b"]},
            [("logs:StartQuery", f"arn:aws:logs:{HERE}:log-group:{name}") for name in "ab"],
        ),
        (
            "AmazonEC2ContainerServiceV20141113.DescribeTasks",
            {"cluster": f"arn:aws:ecs:{HERE}:cluster/c", "tasks": ["1", f"arn:aws:ecs:{HERE}:task/c/2"]},
            [("ecs:DescribeTasks", f"arn:aws:ecs:{HERE}:task/c/{number}", CLUSTER) for number in "12"],
        ),
        ("AmazonEC2ContainerServiceV20141113.ListTasks", {"cluster": "c"}, [("ecs:ListTasks", "*", CLUSTER)]),
        (
            "SageMaker.UpdateEndpoint",
            {"EndpointName": "Ab", "EndpointConfigName": "C"},
            [
                ("sagemaker:UpdateEndpoint", f"arn:aws:sagemaker:{HERE}:endpoint/ab"),
                ("sagemaker:UpdateEndpoint", f"arn:aws:sagemaker:{HERE}:endpoint-config/c"),
            ],
        ),
        (
            "SageMaker.CreateModel",
            {"ModelName": "m", "ExecutionRoleArn": "arn:r"},
            [("sagemaker:CreateModel", f"arn:aws:sagemaker:{HERE}:model/m"), ("iam:PassRole", "arn:r", PASSED)],
        ),
        (
            "SageMaker.CreateModel",
            {"ModelName": "m", "Tags": [{"Key": "k", "Value": "v"}]},
            [(f"sagemaker:{one}", f"arn:aws:sagemaker:{HERE}:model/m") for one in ("CreateModel", "AddTags")],
        ),
        ("SageMaker.ListTags", {"ResourceArn": "arn:x"}, [("sagemaker:ListTags", "arn:x")]),
        (
            "AmazonEC2ContainerRegistry_V20150921.DescribeImages",
            {"repositoryName": "r"},
            [("ecr:DescribeImages", f"arn:aws:ecr:{HERE}:repository/r")],
        ),
        (
            "CodeBuild_20161006.BatchGetBuilds",
            {"ids": ["p:1", "q:2"]},
            [("codebuild:BatchGetBuilds", f"arn:aws:codebuild:{HERE}:project/{one}") for one in "pq"],
        ),
        ("GraniteServiceVersion20100801.GetMetricData", {}, [("cloudwatch:GetMetricData", "*")]),
        ("AmazonSQS.SendMessage", b"not json", [("sqs:SendMessage", "*")]),
        ("AmazonSQS.SendMessage", [], [("sqs:SendMessage", "*")]),
    ],
)
def test_what_a_request_needs(target: str, said: Any, expected: list[tuple[Any, ...]]) -> None:
    environ = request(target, said)
    assert needed(operation_of(environ), environ, "us-east-1") == [Needed(*one) for one in expected]
