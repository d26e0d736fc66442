"""What nobody has checked is refused before moto sees it, in each protocol; the list of what was checked cannot rot."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from ops_lib.sandbox import refusals
from ops_lib.sandbox.actions import action_of
from ops_lib.sandbox.checked import CHECKED, OPERATIONS
from ops_lib.sandbox.operations import operation_of, protocol_of
from ops_lib.sandbox.refusals import NOT_CHECKED, Refused
from tests.sandbox.running import Sandbox, running

TESTS = Path(__file__).parents[1]
READERS = TESTS.parent / "ops_lib" / "read"
# Their calls never reach the sandbox: they are to be stopped by the gate.
ELSEWHERE = TESTS / "attack"
RULES = TESTS / "sandbox" / "outside"
# Operations of one word; others ("search") are words of Python's, too.
PLAIN = ("query", "scan")
REFUSED_ON_PURPOSE = {"describe_scheduled_actions"}
# Called through boto3's attribute, or by quoted name in the table of a test.
CALLED = re.compile(r"\.([a-z]\w+)\b|\"([a-z]\w+)\"")
# A client of a service is made by its quoted name, in the file itself or in one beside it.
SERVICE = re.compile(rf"\"({'|'.join(CHECKED)})\"")
BESIDE = re.compile(r"^from (\w+) import ", re.MULTILINE)


def called_in(files: Iterable[Path]) -> set[tuple[str, str]]:
    """Return (service, method) of every word that may be a call, for each service that its file has a client of."""
    found = set()
    for file in files:
        if ELSEWHERE in file.parents:
            continue
        text = file.read_text(encoding="utf-8")
        methods = {first or second for first, second in CALLED.findall(text)}
        found |= {(service, method) for service in services_of(file, text) for method in methods}
    return found


def services_of(file: Path, text: str) -> set[str]:
    beside = [file.with_name(f"{name}.py") for name in BESIDE.findall(text)]
    texts = [text, *(one.read_text(encoding="utf-8") for one in beside if one.exists())]
    return {service for each in texts for service in SERVICE.findall(each)}


def listed() -> list[tuple[str, str]]:
    """Return (service, operation) of the list."""
    return [(service, name) for service, names in CHECKED.items() for name in names.split()]


def test_each_operation_on_the_list_is_one_of_awss() -> None:
    session = botocore.session.get_session()
    for service, names in CHECKED.items():
        assert set(names.split()) <= set(session.get_service_model(service).operation_names)
        assert names.split() == sorted(set(names.split())), f"{service}: in order, each once"


def test_each_operation_on_the_list_is_called_by_a_rule_a_reader_or_a_test() -> None:
    mine = Path(__file__)
    called = called_in(file for file in [*TESTS.rglob("*.py"), *READERS.glob("*.py")] if file != mine)
    assert {f"{service}:{name}" for service, name in listed() if (service, xform_name(name)) not in called} == set()


@pytest.mark.parametrize("files", [READERS.glob("*.py"), RULES.glob("*_rules.py")], ids=["readers", "rules"])
def test_each_operation_that_they_call_is_on_the_list(files: Iterator[Path]) -> None:
    session = botocore.session.get_session()
    awss = {xform_name(name) for service in CHECKED for name in session.get_service_model(service).operation_names}
    methods = {xform_name(name) for _, name in listed()}
    theirs = {method for _, method in called_in(files) if method in awss and ("_" in method or method in PLAIN)}
    assert "get_queue_url" in theirs
    assert theirs - methods - REFUSED_ON_PURPOSE == set()


def test_each_operation_on_the_list_has_an_action() -> None:
    for operation in OPERATIONS:
        service, _, name = action_of(operation).partition(":")
        assert service in set(CHECKED) - {"sagemaker-runtime", "service-quotas"} | {"servicequotas"}
        assert re.fullmatch("[A-Z][A-Za-z]+", name)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("checked"), "recording-newest") as one:
        yield one


UNLISTED: list[tuple[str, str, dict[str, Any]]] = [
    ("sqs", "tag_queue", {"QueueUrl": "https://sqs/1/q", "Tags": {"a": "b"}}),
    ("dynamodb", "list_backups", {}),
    ("logs", "describe_metric_filters", {}),
    ("cloudwatch", "list_dashboards", {}),
    ("ecs", "list_account_settings", {}),
    ("application-autoscaling", "describe_scheduled_actions", {"ServiceNamespace": "ecs"}),
    ("sagemaker", "list_training_jobs", {}),
    ("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "e", "Body": b"x"}),
    ("sts", "get_session_token", {}),
    ("iam", "list_users", {}),
    ("s3", "get_bucket_policy", {"Bucket": "b"}),
    ("s3", "get_object_tagging", {"Bucket": "b", "Key": "k"}),
    ("s3", "list_objects", {"Bucket": "b"}),
    ("s3", "create_multipart_upload", {"Bucket": "b", "Key": "k"}),
    ("codebuild", "list_projects", {}),
    ("pipes", "list_pipes", {}),
    ("ec2", "describe_instances", {}),
]

# In a program of its own: this process has the gate.
ASK = """
import json, sys
import boto3
from botocore.exceptions import ClientError
url, calls = sys.argv[1], eval(sys.argv[2])
for service, operation, arguments in calls:
    keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    client = boto3.client(service, endpoint_url=url, **keys)
    try:
        getattr(client, operation)(**arguments)
        print(json.dumps([service, "answered", 0, 0, ""]))
    except ClientError as error:
        told, about = error.response["Error"], error.response["ResponseMetadata"]
        print(json.dumps([service, told["Code"], about["HTTPStatusCode"], about["RetryAttempts"], told["Message"]]))
"""


def test_an_unlisted_operation_is_refused_once_and_in_words_boto3_understands(sandbox: Sandbox) -> None:
    command = [sys.executable, "-c", ASK, sandbox.state["endpoint_url"], repr(UNLISTED)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(UNLISTED), done.stderr
    for (service, operation, _), (_, code, status, retries, message) in zip(UNLISTED, lines, strict=True):
        assert (service, code, status, retries) == (service, "NotInThisSandbox", 400, 0), operation
        assert re.fullmatch(
            r"nobody has checked \S.+ against AWS's documents: see ops_lib/sandbox/checked\.py", message
        )
        assert service not in CHECKED or f"{service}:" in message


def request(method: str = "POST", path: str = "/", query: str = "", body: bytes = b"", **more: str) -> dict[str, Any]:
    service = more.pop("service", "")
    scope = {"HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=sandbox/20261125/us-east-1/{service}/aws4_request, S"}
    told = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body))}
    return told | {"wsgi.input": io.BytesIO(body)} | (scope if service else {}) | more


FORM = {"CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8"}
COPY = {"HTTP_X_AMZ_COPY_SOURCE": "b/k"}


@pytest.mark.parametrize(
    ("environ", "operation", "protocol"),
    [
        (request(HTTP_X_AMZ_TARGET="AmazonSQS.SendMessage"), "sqs:SendMessage", "json"),
        (request(HTTP_X_AMZ_TARGET="AWSGlue.X"), "AWSGlue:X", "json"),
        (
            request(path="/service/GraniteServiceVersion20100801/operation/GetMetricData"),
            "cloudwatch:GetMetricData",
            "cbor",
        ),
        (request(body=b"Action=GetUser&Version=2010-05-08", **FORM), "iam:GetUser", "query"),
        (request(body=b"Action=X&Version=1", **FORM), "query:X", "query"),
        (request("PUT", "/b/k", body=b"Action=X", service="s3", **FORM), "s3:PutObject", "s3"),
        (
            request(path="/endpoints/e/async-invocations", service="sagemaker"),
            "sagemaker-runtime:InvokeEndpointAsync",
            "rest-json",
        ),
        (
            request(path="/endpoints/e/invocations", service="sagemaker"),
            "sagemaker-runtime:InvokeEndpoint",
            "rest-json",
        ),
        (request("GET", "/v1/pipes", service="pipes"), "pipes:GET /v1/pipes", "rest-json"),
        (request("GET", "/", service="s3"), "s3:ListBuckets", "s3"),
        (request("GET", "/b", "list-type=2&prefix=a&encoding-type=url", service="s3"), "s3:ListObjectsV2", "s3"),
        (request("GET", "/b", "list-type=2&acl", service="s3"), "s3:ListObjectsV2?acl", "s3"),
        (request("GET", "/b", "prefix=a"), "s3:ListObjects?prefix", "s3"),
        (request("GET", "/b", "policy"), "s3:ListObjects?policy", "s3"),
        (request("GET", "/b", "notification"), "s3:GetBucketNotificationConfiguration", "s3"),
        (request("PUT", "/b", "notification"), "s3:PutBucketNotificationConfiguration", "s3"),
        (request("PUT", "/b", service="s3"), "s3:CreateBucket", "s3"),
        (request("POST", "/b", "delete", service="s3"), "s3:DeleteObjects", "s3"),
        (request("POST", "/b", service="s3"), "s3:POST bucket", "s3"),
        (request("PUT", "/b/k", "x-id=PutObject", service="s3"), "s3:PutObject", "s3"),
        (request("PUT", "/b/k", service="s3", **COPY), "s3:CopyObject", "s3"),
        (request("PUT", "/b/k", "partNumber=1&uploadId=u", service="s3"), "s3:PutObject?partNumber&uploadId", "s3"),
        (request("POST", "/b/k", "uploads", service="s3"), "s3:POST object?uploads", "s3"),
        (
            request("GET", "/b/k", "X-Amz-Credential=a%2F1%2Fr%2Fs3%2Faws4_request&X-Amz-Signature=s"),
            "s3:GetObject",
            "s3",
        ),
        (request("GET", "/b/k", "AWSAccessKeyId=a&Signature=s&Expires=1"), "s3:GetObject", "s3"),
        (request("GET", "/b/k", "versionId=1", service="s3"), "s3:GetObject?versionId", "s3"),
        (request("HEAD", "/b/k", service="s3"), "s3:HeadObject", "s3"),
        (request("DELETE", "/b/k/l", service="s3"), "s3:DeleteObject", "s3"),
    ],
)
def test_what_a_request_is(environ: dict[str, Any], operation: str, protocol: str) -> None:
    before = environ["wsgi.input"].getvalue()
    assert (operation_of(environ), protocol_of(environ)) == (operation, protocol)
    assert environ["wsgi.input"].read() == before, "the request can still be read"


def refused(environ: dict[str, Any], message: str = "no <more>") -> tuple[str, dict[str, str], bytes]:
    seen: list[Any] = []
    body = b"".join(refusals.answer(Refused(NOT_CHECKED, message), environ, lambda *said: seen.extend(said)))
    status, headers = seen
    return status, dict(headers), body


def test_a_refusal_in_cbor_is_what_botocore_reads() -> None:
    from botocore.parsers import create_parser

    status, headers, body = refused(request(path="/service/GraniteServiceVersion20100801/operation/ListDashboards"))
    model = botocore.session.get_session().get_service_model("cloudwatch")
    lower = {name.lower(): value for name, value in headers.items()}
    answer = {"headers": lower, "body": body, "status_code": int(status[:3])}
    told = create_parser("smithy-rpc-v2-cbor").parse(answer, model.operation_model("ListDashboards").output_shape)
    assert told["Error"] == {"Code": "NotInThisSandbox", "Message": "no <more>"}


def test_a_refusal_reads_the_request_to_its_end_and_answers_head_with_no_body() -> None:
    environ = request("PUT", "/b/k", body=b"x" * 3_000_000, service="s3")
    assert refused(environ)[0] == "400 Bad Request"
    assert environ["wsgi.input"].read() == b""
    status, headers, body = refused(request("HEAD", "/b/k", service="s3"))
    assert (status, headers["Content-Length"], body) == ("400 Bad Request", "0", b"")
    assert b"no &lt;more&gt;" in refused(request("GET", "/b", "policy"))[2]
