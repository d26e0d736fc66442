"""The `aws` command of a call: read back by a shell's rules, it says the same."""

from __future__ import annotations

import json
import shlex

import botocore.session
import pytest
from botocore import xform_name
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.change.aws_command import aws_command
from ops_lib.change.plan import Call

ENDPOINT = "http://127.0.0.1:4321"
JOB = "4f1ef31e-400e-41ce-a81a-edfb51e91cc7"


def options(text: str) -> dict[str, str | bool]:
    """Return the options of a command by name, after checking how it begins."""
    words = shlex.split(text)
    assert words[0] == "aws"
    found: dict[str, str | bool] = {}
    rest = words[3:]
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        assert name.startswith("--")
        if equals:
            found[name] = value
        elif rest and not rest[0].startswith("--"):
            found[name] = rest.pop(0)
        else:
            found[name] = True
    return found


def test_a_message_keeps_its_quotes() -> None:
    body = json.dumps({"job_id": JOB}, separators=(",", ":"))
    call = Call("sqs", "SendMessage", {"QueueUrl": "https://sqs/q", "MessageBody": body})
    assert aws_command(call) == (
        f"""aws sqs send-message --queue-url https://sqs/q --message-body '{{"job_id":"{JOB}"}}'"""
    )


def test_a_conditional_write_is_json_by_argument() -> None:
    call = Call(
        "dynamodb",
        "PutItem",
        {
            "TableName": "t",
            "Item": {"job_id": {"S": JOB}, "ttl": {"N": "5"}},
            "ConditionExpression": "attribute_not_exists(job_id)",
        },
    )
    text = aws_command(call, ENDPOINT, "us-east-1")
    assert shlex.split(text)[:3] == ["aws", "dynamodb", "put-item"]
    assert options(text) == {
        "--table-name": "t",
        "--item": f'{{"job_id":{{"S":"{JOB}"}},"ttl":{{"N":"5"}}}}',
        "--condition-expression": "attribute_not_exists(job_id)",
        "--region": "us-east-1",
        "--endpoint-url": ENDPOINT,
    }


def test_s3_is_called_by_its_api_and_a_source_is_one_word() -> None:
    key = "jobs/a b/segments/0.mp4"
    arguments = {"Bucket": "b", "Key": key, "CopySource": {"Bucket": "b", "Key": key}, "CopySourceIfMatch": '"e-1"'}
    text = aws_command(Call("s3", "CopyObject", arguments))
    assert shlex.split(text)[:3] == ["aws", "s3api", "copy-object"]
    assert options(text)["--copy-source"] == "b/jobs/a%20b/segments/0.mp4"
    assert options(text)["--copy-source-if-match"] == '"e-1"'


def test_booleans_numbers_and_lists() -> None:
    call = Call("dynamodb", "Query", {"ConsistentRead": True, "ScanIndexForward": False, "Limit": 5, "X": ["a", "b"]})
    assert shlex.split(aws_command(call))[3:] == [
        "--consistent-read",
        "--no-scan-index-forward",
        "--limit",
        "5",
        "--x",
        '["a","b"]',
    ]


def test_a_value_that_begins_with_a_dash_is_no_option() -> None:
    text = aws_command(Call("s3", "HeadObject", {"Key": "--help"}))
    assert shlex.split(text)[3:] == ["--key=--help"]


@pytest.mark.parametrize("endpoint", [None, ENDPOINT])
def test_a_sandbox_is_always_named(endpoint: str | None) -> None:
    for service, operation in (("sqs", "SendMessage"), ("dynamodb", "PutItem"), ("s3", "CopyObject")):
        assert ("--endpoint-url" in options(aws_command(Call(service, operation, {}), endpoint))) == bool(endpoint)


@given(st.text(), st.dictionaries(st.text(), st.text(), max_size=3))
def test_whatever_the_values_are_a_shell_gives_them_back(text: str, tree: dict[str, str]) -> None:
    call = Call("sqs", "SendMessage", {"MessageBody": f"x{text}", "MessageAttributes": tree})
    words = shlex.split(aws_command(call))
    assert words[4] == f"x{text}"
    assert json.loads(words[6]) == tree


def test_every_option_is_one_of_the_operations_own() -> None:
    session = botocore.session.get_session()
    arguments = {
        "TableName": "t",
        "Key": {},
        "ExpressionAttributeNames": {},
        "ReturnValuesOnConditionCheckFailure": "N",
    }
    members = session.get_service_model("dynamodb").operation_model("UpdateItem").input_shape.members
    known = {f"--{xform_name(name, '-')}" for name in members}
    assert set(options(aws_command(Call("dynamodb", "UpdateItem", arguments)))) <= known
