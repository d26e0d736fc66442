"""Which IAM actions on which resources a request needs, by AWS's "Service Authorization Reference".

Most actions are called as their operation is; the others are here. Where the reference names no resource type, or the
request does not say which it is about, the resource is "*", which only a statement about "*" allows.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from ops_lib.sandbox.credentials import Environ
from ops_lib.sandbox.operations import body_of, form_of, protocol_of
from ops_lib.sandbox.policy import Context
from ops_lib.sandbox.recording import ACCOUNT

ANY = "*"
ACTION_OF = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "sagemaker-runtime:InvokeEndpointAsync": "sagemaker:InvokeEndpointAsync",
    "service-quotas:ListServiceQuotas": "servicequotas:ListServiceQuotas",
}
# Each write of a transaction needs its own action. AWS: DynamoDB Developer Guide, "Using IAM with transactions".
IN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


class Needed(NamedTuple):
    """One action on one resource, and the condition keys that the request gives values to."""

    action: str
    resource: str
    context: Context = ()


Said = dict[str, Any]


def action_of(operation: str) -> str:
    """Return the name of the IAM action behind an operation."""
    return ACTION_OF.get(operation, operation)


def needed(operation: str, environ: Environ, region: str) -> list[Needed]:
    """Return everything that must be allowed for the request to be."""
    service, _, name = operation.partition(":")
    if service == "s3":
        return list(_s3(operation, environ))
    if service == "sagemaker-runtime":
        endpoint = str(environ["PATH_INFO"]).split("/")[2]
        return [Needed(action_of(operation), _arn("sagemaker", region, f"endpoint/{endpoint.lower()}"))]
    said = _said(environ)
    find = SERVICES.get(service)
    return list(dict.fromkeys(find(name, said, region))) if find else [Needed(action_of(operation), ANY)]


def _said(environ: Environ) -> Said:
    if protocol_of(environ) == "query":
        return form_of(environ)
    try:
        said = json.loads(body_of(environ))
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _arn(service: str, region: str, resource: str) -> str:
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


def _s3(operation: str, environ: Environ) -> Iterator[Needed]:
    path = str(environ["PATH_INFO"]).lstrip("/")
    bucket, _, key = path.partition("/")
    if operation == "s3:CopyObject":
        source = unquote(str(environ["HTTP_X_AMZ_COPY_SOURCE"])).lstrip("/").partition("?")[0]
        yield Needed("s3:GetObject", f"arn:aws:s3:::{source}")
        yield Needed("s3:PutObject", f"arn:aws:s3:::{path}")
    elif operation == "s3:DeleteObjects":
        yield Needed("s3:DeleteObject", f"arn:aws:s3:::{bucket}/*")
    elif key:
        yield Needed(action_of(operation), f"arn:aws:s3:::{path}")
    else:
        yield Needed(action_of(operation), f"arn:aws:s3:::{bucket}" if bucket else ANY)


def _sqs(name: str, said: Said, region: str) -> Iterator[Needed]:
    action = action_of(f"sqs:{name}")
    arns = [said["SourceArn"]] if "SourceArn" in said else []
    if "QueueUrl" in said:
        arns = [_arn("sqs", region, str(said["QueueUrl"]).rstrip("/").rsplit("/", 1)[-1])]
    elif "QueueName" in said:
        arns = [_arn("sqs", region, said["QueueName"])]
    elif "TaskHandle" in said:
        arns = [_source_of(str(said["TaskHandle"]))]
    yield from (Needed(action, str(arn)) for arn in arns or [ANY])
    if name == "StartMessageMoveTask":
        # AWS: SQS Developer Guide, "Dead-letter queue redrive permissions": what the task does, its starter may.
        yield from (Needed(f"sqs:{done}", str(arn)) for done in ("ReceiveMessage", "DeleteMessage") for arn in arns)
        if "DestinationArn" in said:
            yield Needed("sqs:SendMessage", str(said["DestinationArn"]))


def _source_of(handle: str) -> str:
    """Return the queue that a move task's handle names inside itself."""
    try:
        return str(json.loads(base64.b64decode(handle))["sourceArn"])
    except (ValueError, KeyError, TypeError):
        return ANY


def _dynamodb(name: str, said: Said, region: str) -> Iterator[Needed]:
    for act in said.get("TransactItems", []):
        for kind, one in act.items():
            action = f"dynamodb:{IN_TRANSACTION.get(kind, 'GetItem')}"
            yield Needed(action, _table(one.get("TableName", ""), region))
    tables = [*said.get("RequestItems", {}), *([said["TableName"]] if "TableName" in said else [])]
    index = f"/index/{said['IndexName']}" if "IndexName" in said else ""
    yield from (Needed(f"dynamodb:{name}", _table(table, region) + index) for table in tables)
    if not tables and "TransactItems" not in said:
        yield Needed(f"dynamodb:{name}", ANY)


def _table(name: str, region: str) -> str:
    return name if name.startswith("arn:") else _arn("dynamodb", region, f"table/{name}")


def _logs(name: str, said: Said, region: str) -> Iterator[Needed]:
    groups = [said.get("logGroupName"), said.get("logGroupIdentifier")]
    groups += [*said.get("logGroupNames", []), *said.get("logGroupIdentifiers", [])]
    named = [str(group).rpartition("log-group:")[2] for group in groups if group]
    # The reference has GetLogEvents act on a stream, all others on groups.
    of = f":log-stream:{said.get('logStreamName', '')}" if name == "GetLogEvents" else ""
    arns = [_arn("logs", region, f"log-group:{group}{of}") for group in named] or [ANY]
    yield from (Needed(f"logs:{name}", arn) for arn in arns)


def _ecs(name: str, said: Said, region: str) -> Iterator[Needed]:
    cluster = str(said.get("cluster", "default")).rpartition("/")[2]
    context = (("ecs:cluster", _arn("ecs", region, f"cluster/{cluster}")),)

    def under(kind: str, names: list[Any]) -> list[str]:
        return [_arn("ecs", region, f"{kind}/{cluster}/{str(one).rpartition('/')[2]}") for one in names]

    arns = {
        "DescribeClusters": [_arn("ecs", region, f"cluster/{one}") for one in said.get("clusters", ["default"])],
        "DescribeServices": under("service", said.get("services", [])),
        "UpdateService": under("service", [said.get("service")]),
        "DescribeTasks": under("task", said.get("tasks", [])),
        "StopTask": under("task", [said.get("task")]),
    }.get(name)
    yield from (Needed(f"ecs:{name}", arn, context) for arn in arns or [ANY])


def _sagemaker(name: str, said: Said, region: str) -> Iterator[Needed]:
    kinds = {"EndpointName": "endpoint", "EndpointConfigName": "endpoint-config", "ModelName": "model"}
    # AWS: ARNs of SageMaker's resources are in lower case.
    arns = [_arn("sagemaker", region, f"{kinds[key]}/{said[key]}".lower()) for key in kinds if key in said]
    arns += [str(said["ResourceArn"])] if "ResourceArn" in said else []
    yield from (Needed(f"sagemaker:{name}", arn) for arn in arns or [ANY])
    if said.get("Tags"):
        yield from (Needed("sagemaker:AddTags", arn) for arn in arns)
    if "ExecutionRoleArn" in said:
        passed = (("iam:PassedToService", "sagemaker.amazonaws.com"),)
        yield Needed("iam:PassRole", str(said["ExecutionRoleArn"]), passed)


def _ecr(name: str, said: Said, region: str) -> Iterator[Needed]:
    yield Needed(f"ecr:{name}", _arn("ecr", region, f"repository/{said.get('repositoryName', '')}"))


def _codebuild(name: str, said: Said, region: str) -> Iterator[Needed]:
    # The reference has BatchGetBuilds act on the project of each build, which its id begins with.
    projects = [said["projectName"]] if "projectName" in said else [id.partition(":")[0] for id in said.get("ids", [])]
    arns = [_arn("codebuild", region, f"project/{project}") for project in projects]
    yield from (Needed(f"codebuild:{name}", arn) for arn in arns or [ANY])


def _scaling(name: str, said: Said, region: str) -> Iterator[Needed]:
    keys = {"ServiceNamespace": "service-namespace", "ScalableDimension": "scalable-dimension"}
    context = tuple(
        (f"application-autoscaling:{key}", str(said[given])) for given, key in keys.items() if given in said
    )
    yield Needed(f"application-autoscaling:{name}", ANY, context)


def _metrics(name: str, said: Said, _: str) -> Iterator[Needed]:
    # AWS: CloudWatch User Guide, "Using condition keys to limit access to CloudWatch namespaces".
    put = name == "PutMetricData" and "Namespace" in said
    yield Needed(f"cloudwatch:{name}", ANY, (("cloudwatch:namespace", str(said["Namespace"])),) if put else ())


def _roles(service: str, key: str) -> Callable[[str, Said, str], Iterator[Needed]]:
    def find(name: str, said: Said, _: str) -> Iterator[Needed]:
        yield Needed(f"{service}:{name}", str(said.get(key, ANY)))

    return find


SERVICES: dict[str, Callable[[str, Said, str], Iterator[Needed]]] = {
    "sqs": _sqs,
    "dynamodb": _dynamodb,
    "logs": _logs,
    "ecs": _ecs,
    "sagemaker": _sagemaker,
    "ecr": _ecr,
    "codebuild": _codebuild,
    "application-autoscaling": _scaling,
    "cloudwatch": _metrics,
    "sns": _roles("sns", "TopicArn"),
    "sts": _roles("sts", "RoleArn"),
    "iam": _roles("iam", "PolicySourceArn"),
}
