"""What the door judges is what moto does: a request that says two things is refused. Over the wire: coherence_rules."""

from __future__ import annotations

from typing import Any

import pytest

from ops_lib.sandbox.coherent import require_one_story
from ops_lib.sandbox.refusals import INCOHERENT, Refused


def request(service: str, **changed: Any) -> dict[str, Any]:
    scope = f"AWS4-HMAC-SHA256 Credential=k/20261125/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    usual = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "HTTP_HOST": "127.0.0.1:4566",
        "HTTP_AUTHORIZATION": scope,
        "HTTP_X_AMZ_TARGET": "AmazonSQS.SendMessage",
        "CONTENT_TYPE": "application/x-amz-json-1.0",
    }
    return {name: value for name, value in (usual | changed).items() if value is not None}


GET = {"REQUEST_METHOD": "GET", "HTTP_X_AMZ_TARGET": None, "CONTENT_TYPE": None}
FORM = {"HTTP_X_AMZ_TARGET": None, "CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8"}
CBOR = {"HTTP_X_AMZ_TARGET": None, "CONTENT_TYPE": "application/cbor", "PATH_INFO": "/service/G/operation/Get"}


@pytest.mark.parametrize(
    ("environ", "operation"),
    [
        (request("sqs"), "sqs:SendMessage"),
        (request("sqs", HTTP_HOST="localhost:1"), "sqs:SendMessage"),
        (request("sts", **FORM), "sts:GetCallerIdentity"),
        (request("monitoring", **CBOR), "cloudwatch:GetMetricData"),
        (request("s3", **GET, QUERY_STRING="list-type=2", PATH_INFO="/bucket"), "s3:ListObjectsV2"),
        (
            request("sagemaker", HTTP_X_AMZ_TARGET=None, PATH_INFO="/endpoints/e/async-invocations"),
            "sagemaker-runtime:X",
        ),
    ],
)
def test_one_story_may_go_on(environ: dict[str, Any], operation: str) -> None:
    require_one_story(environ, operation)


@pytest.mark.parametrize(
    ("environ", "operation", "why"),
    [
        (request("s3"), "sqs:SendMessage", "signed for 's3'"),
        (request("cloudwatch", **CBOR), "cloudwatch:GetMetricData", "signed for 'cloudwatch'"),
        (request("s3express", **GET), "s3:GetObject", "signed for 's3express'"),
        (request("sqs", HTTP_HOST="queue.amazonaws.com"), "sqs:SendMessage", "the host is"),
        (request("sqs", HTTP_HOST="127.0.0.1.example.org:80"), "sqs:SendMessage", "the host is"),
        (request("sqs", REQUEST_METHOD="PUT"), "sqs:SendMessage", "are posted"),
        (request("sqs", QUERY_STRING="QueueUrl=other"), "sqs:SendMessage", "without a query string"),
        (request("sqs", PATH_INFO="/123456789012/other"), "sqs:SendMessage", "go to the path /"),
        (request("sqs", CONTENT_TYPE=FORM["CONTENT_TYPE"]), "sqs:SendMessage", "content type"),
        (request("sts", **FORM, QUERY_STRING="Action=x"), "sts:GetCallerIdentity", "without a query string"),
    ],
)
def test_two_stories_are_refused(environ: dict[str, Any], operation: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        require_one_story(environ, operation)
    assert refused.value.kind is INCOHERENT
