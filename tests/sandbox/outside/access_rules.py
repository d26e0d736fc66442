"""Who may do what: the reader's, the responder's and the owner's keys against the committed policies."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aws
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

READER, RESPONDER, OWNER = "sandbox-reader", "sandbox-responder", "sandbox"
INPUT, OUTPUT = f"stereo-spot-input-{aws.ACCOUNT}", f"stereo-spot-output-{aws.ACCOUNT}"
HERE = f"us-east-1:{aws.ACCOUNT}"
ROLE = f"arn:aws:iam::{aws.ACCOUNT}:role/stereo-spot-ops-"
SESSION = f"arn:aws:sts::{aws.ACCOUNT}:assumed-role/stereo-spot-ops-reader/sandbox"
QUEUE = {"QueueUrl": f"https://sqs.us-east-1.amazonaws.com/{aws.ACCOUNT}/stereo-spot-chunking"}
DLQ = {"QueueUrl": f"{QUEUE['QueueUrl']}-dlq"}
JOBS, NOBODY = {"TableName": "stereo-spot-jobs"}, {"job_id": {"S": "nobody"}}
Call = tuple[str, str, dict[str, Any]]

# One write of each service and protocol, the action it needs and the resource it is about.
WRITES: list[tuple[Call, str, str]] = [
    (
        ("sqs", "send_message", QUEUE | {"MessageBody": "x"}),
        "sqs:sendmessage",
        f"arn:aws:sqs:{HERE}:stereo-spot-chunking",
    ),
    (("sqs", "purge_queue", DLQ), "sqs:purgequeue", f"arn:aws:sqs:{HERE}:stereo-spot-chunking-dlq"),
    (
        ("dynamodb", "put_item", JOBS | {"Item": NOBODY}),
        "dynamodb:PutItem",
        f"arn:aws:dynamodb:{HERE}:table/stereo-spot-jobs",
    ),
    (
        ("dynamodb", "transact_write_items", {"TransactItems": [{"Delete": JOBS | {"Key": NOBODY}}]}),
        "dynamodb:DeleteItem",
        f"arn:aws:dynamodb:{HERE}:table/stereo-spot-jobs",
    ),
    (
        ("ecs", "update_service", {"cluster": "stereo-spot", "service": "web-ui", "desiredCount": 1}),
        "ecs:UpdateService",
        f"arn:aws:ecs:{HERE}:service/stereo-spot/web-ui",
    ),
    (
        (
            "sagemaker",
            "update_endpoint",
            {"EndpointName": "stereo-spot-inference", "EndpointConfigName": "stereo-spot-b"},
        ),
        "sagemaker:UpdateEndpoint",
        f"arn:aws:sagemaker:{HERE}:endpoint/stereo-spot-inference",
    ),
    (
        (
            "sagemaker-runtime",
            "invoke_endpoint_async",
            {"EndpointName": "stereo-spot-inference", "InputLocation": f"s3://{OUTPUT}/x"},
        ),
        "sagemaker:InvokeEndpointAsync",
        f"arn:aws:sagemaker:{HERE}:endpoint/stereo-spot-inference",
    ),
    (
        ("s3", "put_object", {"Bucket": INPUT, "Key": "input/a b", "Body": b"x"}),
        "s3:PutObject",
        f'"arn:aws:s3:::{INPUT}/input/a b"',
    ),
    (("s3", "get_object", {"Bucket": INPUT, "Key": "x"}), "s3:GetObject", f'"arn:aws:s3:::{INPUT}/x"'),
    (
        ("sts", "assume_role", {"RoleArn": f"{ROLE}responder", "RoleSessionName": "rule"}),
        "sts:AssumeRole",
        f"{ROLE}responder",
    ),
    (
        ("logs", "create_log_group", {"logGroupName": "/ecs/stereo-spot/x"}),
        "logs:CreateLogGroup",
        f"arn:aws:logs:{HERE}:log-group:/ecs/stereo-spot/x",
    ),
]
DENIED = {"s3": ("AccessDenied", 403), "sqs": ("AccessDenied", 403), "sts": ("AccessDenied", 403)}


@cache
def client(service: str, key: str, token: str | None = None) -> Any:
    config = Config(retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": key, "aws_secret_access_key": "any"}
    return boto3.client(service, config=config, aws_session_token=token, **keys)


def error(key: str, service: str, operation: str, arguments: dict[str, Any]) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as refused:
        getattr(client(service, key), operation)(**arguments)
    response = refused.value.response
    told = response["Error"]
    return str(told["Code"]), int(response["ResponseMetadata"]["HTTPStatusCode"]), str(told.get("Message", ""))


@pytest.mark.parametrize(
    ("call", "action", "resource"), WRITES, ids=lambda one: str(one) if isinstance(one, str) else ""
)
def test_what_the_reader_may_not(call: Call, action: str, resource: str) -> None:
    """AWS: IAM User Guide, "Troubleshoot access denied error messages": User: <arn> is not authorized to perform ..."""
    code, status, message = error(READER, *call)
    service = call[0]
    rest = ("AccessDeniedException", 403 if service == "sagemaker-runtime" else 400)
    assert (code, status) == DENIED.get(service, rest)
    because = f"because no identity-based policy allows the {action} action"
    assert message == f"User: {SESSION} is not authorized to perform: {action} on resource: {resource} {because}"


def test_a_refused_write_has_written_nothing() -> None:
    """AWS: IAM User Guide, "Policy evaluation logic": an implicit denial ends the request."""
    queue = client("sqs", OWNER).get_queue_url(QueueName="stereo-spot-reassembly-dlq")["QueueUrl"]
    before = client("sqs", OWNER).get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    error(READER, "sqs", "send_message", {"QueueUrl": queue, "MessageBody": "x"})
    error(READER, "dynamodb", "put_item", JOBS | {"Item": NOBODY})
    error(READER, "s3", "put_object", {"Bucket": OUTPUT, "Key": "refused", "Body": b"x" * 2**20})
    after = client("sqs", OWNER).get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert after == before
    assert "Item" not in client("dynamodb", OWNER).get_item(**JOBS, Key=NOBODY)
    assert client("s3", OWNER).list_objects_v2(Bucket=OUTPUT, Prefix="refused")["KeyCount"] == 0


READS: list[Call] = [
    ("sqs", "get_queue_url", {"QueueName": "stereo-spot-chunking"}),
    ("dynamodb", "get_item", JOBS | {"Key": NOBODY}),
    ("dynamodb", "scan", {"TableName": "stereo-spot-inference-invocations"}),
    ("logs", "describe_log_groups", {}),
    ("cloudwatch", "describe_alarms", {}),
    ("ecs", "list_tasks", {"cluster": "stereo-spot"}),
    ("ecs", "describe_services", {"cluster": "stereo-spot", "services": ["web-ui"]}),
    ("application-autoscaling", "describe_scalable_targets", {"ServiceNamespace": "ecs"}),
    ("sagemaker", "describe_endpoint", {"EndpointName": "stereo-spot-inference"}),
    ("s3", "list_objects_v2", {"Bucket": OUTPUT, "Prefix": "jobs/"}),
    ("s3", "head_bucket", {"Bucket": OUTPUT}),
]


@pytest.mark.parametrize("key", [READER, RESPONDER, OWNER])
@pytest.mark.parametrize("call", READS, ids=lambda call: call[1])
def test_what_all_may(key: str, call: Call) -> None:
    """AWS: Service Authorization Reference: actions and resources; HeadBucket and ListObjectsV2 are s3:ListBucket."""
    service, operation, arguments = call
    assert getattr(client(service, key), operation)(**arguments)["ResponseMetadata"]["HTTPStatusCode"] == 200


OTHERS: list[Call] = [
    ("sqs", "get_queue_url", {"QueueName": "others-queue"}),
    ("dynamodb", "get_item", {"TableName": "others", "Key": NOBODY}),
    ("ecs", "list_tasks", {"cluster": "others"}),
    ("ecs", "describe_services", {"cluster": "stereo-spot-2", "services": ["web-ui"]}),
    ("sagemaker", "describe_endpoint", {"EndpointName": "others"}),
    ("dynamodb", "scan", JOBS),
    ("logs", "filter_log_events", {"logGroupName": "/ecs/others"}),
    ("logs", "get_log_events", {"logGroupName": "/ecs/others", "logStreamName": "x"}),
    (
        "logs",
        "start_query",
        {"logGroupNames": ["/ecs/others"], "startTime": 1, "endTime": 2, "queryString": "fields a"},
    ),
    ("s3", "list_objects_v2", {"Bucket": "others"}),
]


@pytest.mark.parametrize("key", [READER, RESPONDER])
@pytest.mark.parametrize("call", OTHERS, ids=lambda call: call[1])
def test_what_is_not_the_pipelines_is_nobodys(key: str, call: Call) -> None:
    """AWS: IAM User Guide, "IAM JSON policy elements: Resource": it covers the ARNs it matches, and no others."""
    assert error(key, *call)[0].startswith("AccessDenied")


@pytest.mark.parametrize("key", [READER, RESPONDER])
def test_events_of_the_pipelines_own_streams(key: str) -> None:
    """AWS: Service Authorization Reference, CloudWatch Logs: the resource of GetLogEvents is a log stream."""
    for group in ("/ecs/stereo-spot/media-worker", "/aws/sagemaker/Endpoints/stereo-spot-inference"):
        stream = {"logGroupName": group, "logStreamName": "none"}
        assert error(key, "logs", "get_log_events", stream)[0] == "ResourceNotFoundException"


def test_the_reader_sees_no_object_but_failures_of_inference() -> None:
    """AWS: API reference, "GetObject", Permissions: NoSuchKey for a missing key with s3:ListBucket."""
    missing = {"Bucket": OUTPUT, "Key": "sagemaker-async-failures/none-error.out"}
    assert error(READER, "s3", "get_object", missing)[0] == "NoSuchKey"
    for bucket, name in ((OUTPUT, "sagemaker-async-responses/x.out"), (INPUT, "sagemaker-async-failures/x")):
        assert error(READER, "s3", "get_object", {"Bucket": bucket, "Key": name})[0] == "AccessDenied"


def test_the_responder_repairs() -> None:
    """AWS: Service Authorization Reference: SendMessageBatch is SendMessage, CopyObject is GetObject and PutObject."""
    sqs, dynamodb, s3 = (client(service, RESPONDER) for service in ("sqs", "dynamodb", "s3"))
    queue = sqs.get_queue_url(QueueName="stereo-spot-ingest-dlq")["QueueUrl"]
    assert sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "x"}])["Successful"]
    (message,) = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=5)["Messages"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=9)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    update = JOBS | {"Key": NOBODY, "UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "b"}}}
    dynamodb.transact_write_items(TransactItems=[{"Update": update}])
    dynamodb.delete_item(**JOBS, Key=NOBODY)
    s3.put_object(Bucket=INPUT, Key="rules/copied", Body=b"x")
    same = {"Bucket": INPUT, "Key": "rules/copied"}
    s3.copy_object(**same, CopySource=same, MetadataDirective="REPLACE")
    client("s3", OWNER).delete_object(**same)


MORE_THAN_REPAIRS: list[Call] = [
    ("sqs", "receive_message", QUEUE),
    ("sqs", "purge_queue", QUEUE),
    ("sqs", "delete_queue", DLQ),
    ("dynamodb", "delete_table", JOBS),
    ("dynamodb", "put_item", {"TableName": "others", "Item": NOBODY}),
    ("dynamodb", "batch_write_item", {"RequestItems": {"stereo-spot-jobs": [{"DeleteRequest": {"Key": NOBODY}}]}}),
    ("s3", "delete_object", {"Bucket": INPUT, "Key": "x"}),
    ("s3", "copy_object", {"Bucket": INPUT, "Key": "x", "CopySource": "others/x"}),
    ("s3", "copy_object", {"Bucket": "others", "Key": "x", "CopySource": f"{INPUT}/x"}),
    ("ecs", "stop_task", {"cluster": "stereo-spot", "task": "x"}),
    ("ecs", "update_service", {"cluster": "others", "service": "web-ui", "desiredCount": 1}),
    (
        "application-autoscaling",
        "register_scalable_target",
        {"ServiceNamespace": "dynamodb", "ResourceId": "x", "ScalableDimension": "dynamodb:table:ReadCapacityUnits"},
    ),
    (
        "sagemaker",
        "create_model",
        {"ModelName": "stereo-spot-x", "ExecutionRoleArn": f"arn:aws:iam::{aws.ACCOUNT}:role/admin"},
    ),
    ("sts", "assume_role", {"RoleArn": f"{ROLE}responder", "RoleSessionName": "rule"}),
]


@pytest.mark.parametrize("call", MORE_THAN_REPAIRS, ids=lambda call: f"{call[0]} {call[1]}")
def test_the_responder_does_no_more(call: Call) -> None:
    """AWS: IAM User Guide, "Grant least privilege"; CreateModel needs iam:PassRole of the role it is given."""
    assert error(RESPONDER, *call)[0].startswith("AccessDenied")


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "code", "status"),
    [
        ("dynamodb", "list_tables", {}, "UnrecognizedClientException", 400),
        ("ecs", "list_tasks", {}, "UnrecognizedClientException", 400),
        ("sqs", "list_queues", {}, "InvalidClientTokenId", 403),
        ("cloudwatch", "describe_alarms", {}, "InvalidClientTokenId", 403),
        ("sts", "get_caller_identity", {}, "InvalidClientTokenId", 403),
        ("s3", "list_buckets", {}, "InvalidAccessKeyId", 403),
    ],
)
def test_a_key_that_nobody_has(service: str, operation: str, arguments: dict[str, Any], code: str, status: int) -> None:
    """AWS: "Common error types" of the API references; S3: "Error responses", InvalidAccessKeyId."""
    found = error("AKIAIOSFODNN7EXAMPLE", service, operation, arguments)
    assert found[:2] == (code, status)
    assert found[2]


def test_unsigned() -> None:
    """AWS: "Common error types", MissingAuthenticationToken; S3 answers anonymous requests with AccessDenied."""
    url = os.environ["AWS_ENDPOINT_URL"]
    target = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    for request, status, words in (
        (urllib.request.Request(url, b"{}", target), 400, b"MissingAuthenticationTokenException"),
        (urllib.request.Request(f"{url}/{INPUT}/x"), 403, b"<Code>AccessDenied</Code>"),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        with refused.value as answer:
            assert (answer.code, words in answer.read()) == (status, True)


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url_is_as_good_as_whoever_signed_it(version: str) -> None:
    """AWS: S3 User Guide, "Download and upload objects with presigned URLs": the permissions of its creator."""
    client("s3", OWNER).put_object(Bucket=OUTPUT, Key="presigned", Body=b"seen")
    for key, expected in ((OWNER, b"seen"), (RESPONDER, b"seen"), (READER, None), ("nobody", None)):
        signer = boto3.client(
            "s3", aws_access_key_id=key, aws_secret_access_key="any", config=Config(signature_version=version)
        )
        url = signer.generate_presigned_url("get_object", {"Bucket": OUTPUT, "Key": "presigned"})
        assert ("X-Amz-Credential" in parse_qs(urlsplit(url).query)) == (version == "s3v4")
        if expected:
            with urllib.request.urlopen(url) as answer:
                assert answer.read() == expected
            continue
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url)
        with refused.value as answer:
            assert answer.code == 403
    client("s3", OWNER).delete_object(Bucket=OUTPUT, Key="presigned")


@pytest.mark.parametrize(("key", "who"), [(OWNER, "user/sandbox"), (READER, "reader"), (RESPONDER, "responder")])
def test_everybody_may_ask_who_they_are(key: str, who: str) -> None:
    """AWS: STS API reference, "GetCallerIdentity": no permissions are required."""
    found = client("sts", key).get_caller_identity()
    assert found["Account"] == aws.ACCOUNT
    assert who in found["Arn"]
    if key != OWNER:
        assert found["Arn"] == f"arn:aws:sts::{aws.ACCOUNT}:assumed-role/stereo-spot-ops-{who}/sandbox"
        assert found["UserId"].endswith(":sandbox")


def assumed(key: str, role: str, **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client("sts", key).assume_role(RoleArn=f"{ROLE}{role}", RoleSessionName="rule", **options)
    return answer


def test_the_session_of_an_assumed_role_may_what_the_role_may() -> None:
    """AWS: STS API reference, "AssumeRole": temporary credentials with the permissions of the role."""
    for key, role in ((OWNER, "reader"), (OWNER, "responder"), (RESPONDER, "reader")):
        answer = assumed(key, role, DurationSeconds=900)
        given = answer["Credentials"]
        own = (given["AccessKeyId"], given["SessionToken"])
        arn = f"arn:aws:sts::{aws.ACCOUNT}:assumed-role/stereo-spot-ops-{role}/rule"
        assert client("sts", *own).get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"] == arn
        client("dynamodb", *own).get_item(**JOBS, Key=NOBODY)
        if role == "reader":
            with pytest.raises(ClientError, match="AccessDenied"):
                client("sqs", *own).send_message(**QUEUE, MessageBody="x")
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            client("dynamodb", given["AccessKeyId"], "another token").list_tables()
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            client("dynamodb", given["AccessKeyId"]).list_tables()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"RoleArn": f"{ROLE}admin"}, "AccessDenied"),
        ({"DurationSeconds": 43_200}, "ValidationError"),
        ({"RoleSessionName": "two words"}, "ValidationError"),
        ({"Policy": "{}"}, "NotInThisSandbox"),
        ({"ExternalId": "123"}, "NotInThisSandbox"),
    ],
)
def test_roles_that_cannot_be_assumed(options: dict[str, Any], code: str) -> None:
    """AWS: STS API reference, "AssumeRole": a session name; at most MaxSessionDuration, an hour unless set."""
    usual = {"RoleArn": f"{ROLE}reader", "RoleSessionName": "rule"}
    assert error(OWNER, "sts", "assume_role", usual | options)[0] == code


def decision(key: str, who: str, action: str, resource: str) -> str:
    question = {"PolicySourceArn": who, "ActionNames": [action], "ResourceArns": [resource]}
    (result,) = client("iam", key).simulate_principal_policy(**question)["EvaluationResults"]
    assert (result["EvalActionName"], result["EvalResourceName"]) == (action, resource)
    return str(result["EvalDecision"])


def test_what_a_role_could_do() -> None:
    """AWS: IAM API reference, "SimulatePrincipalPolicy": allowed, explicitDeny or implicitDeny for an action."""
    queue, user = f"arn:aws:sqs:{HERE}:stereo-spot-chunking", f"arn:aws:iam::{aws.ACCOUNT}:user/sandbox"
    assert decision(READER, f"{ROLE}reader", "sqs:SendMessage", queue) == "implicitDeny"
    assert decision(READER, f"{ROLE}reader", "sqs:GetQueueAttributes", queue) == "allowed"
    assert decision(READER, f"{ROLE}responder", "sqs:SendMessage", queue) == "allowed"
    assert decision(RESPONDER, f"{ROLE}responder", "sqs:ReceiveMessage", queue) == "implicitDeny"
    assert decision(RESPONDER, f"{ROLE}responder", "sqs:ReceiveMessage", f"{queue}-dlq") == "allowed"
    assert decision(OWNER, user, "sqs:DeleteQueue", queue) == "allowed"


def test_a_policy_about_named_resources_allows_nothing_on_any() -> None:
    """AWS: IAM API reference, "SimulatePrincipalPolicy": without ResourceArns the resource is "*" (all resources)."""
    question = {"PolicySourceArn": f"{ROLE}responder", "ActionNames": ["sqs:SendMessage"]}
    (result,) = client("iam", RESPONDER).simulate_principal_policy(**question)["EvaluationResults"]
    assert (result["EvalDecision"], result["EvalResourceName"]) == ("implicitDeny", "*")


@pytest.mark.parametrize(
    ("key", "options", "code"),
    [
        (OWNER, {"PolicySourceArn": f"{ROLE}nobody"}, "NoSuchEntity"),
        (READER, {"PolicySourceArn": f"arn:aws:iam::{aws.ACCOUNT}:user/sandbox"}, "AccessDenied"),
        (OWNER, {"ActionNames": ["sqs:SendMessage", "s3:PutObject"]}, "NotInThisSandbox"),
        (OWNER, {"ResourceArns": ["arn:aws:s3:::a", "arn:aws:s3:::b"]}, "NotInThisSandbox"),
        (OWNER, {"ContextEntries": [{"ContextKeyName": "aws:x", "ContextKeyType": "string"}]}, "NotInThisSandbox"),
    ],
)
def test_questions_that_are_not_answered(key: str, options: dict[str, Any], code: str) -> None:
    """AWS: IAM API reference, "SimulatePrincipalPolicy": NoSuchEntity; (ours) options that nobody has checked."""
    usual = {"PolicySourceArn": f"{ROLE}reader", "ActionNames": ["sqs:SendMessage"]}
    assert error(key, "iam", "simulate_principal_policy", usual | options)[0] == code
