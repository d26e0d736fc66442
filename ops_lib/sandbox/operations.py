"""Which operation a request is, as its wire protocol tells it: for counting calls."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

Environ = dict[str, Any]
TARGETS = {
    "AmazonSQS": "sqs",
    "DynamoDB_20120810": "dynamodb",
    "Logs_20140328": "logs",
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AnyScaleFrontendService": "application-autoscaling",
    "SageMaker": "sagemaker",
    "GraniteServiceVersion20100801": "cloudwatch",
}
# The services of the query protocol, by the version their requests carry.
VERSIONS = {"2011-06-15": "sts", "2010-08-01": "cloudwatch", "2010-05-08": "iam", "2012-11-05": "sqs"}
# What S3 is asked of a bucket, by the parameter that says so.
OF_BUCKETS = {
    "versioning": "BucketVersioning",
    "location": "BucketLocation",
    "lifecycle": "BucketLifecycleConfiguration",
    "notification": "BucketNotificationConfiguration",
}
VERBS = {"GET": "Get", "HEAD": "Head", "PUT": "Put", "DELETE": "Delete", "POST": "Post"}


def operation_of(environ: Environ) -> str:
    """Return "service:Operation" of a request; for S3 the best effort from method, path and query."""
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    if target:
        service, _, operation = target.partition(".")
        return f"{TARGETS.get(service, service)}:{operation}"
    parts = str(environ.get("PATH_INFO", "")).split("/")
    if parts[1:2] == ["service"] and parts[3:4] == ["operation"]:
        return f"{TARGETS.get(parts[2], parts[2])}:{parts[4]}"
    if "x-www-form-urlencoded" in str(environ.get("CONTENT_TYPE", "")):
        form = parse_qs(_peek(environ))
        service = VERSIONS.get(form.get("Version", [""])[0], "query")
        return f"{service}:{form.get('Action', ['?'])[0]}"
    return _s3(str(environ["REQUEST_METHOD"]), parts, parse_qs(str(environ.get("QUERY_STRING", "")), True))


def _s3(method: str, parts: list[str], query: dict[str, list[str]]) -> str:
    verb = VERBS.get(method, method)
    if any(parts[2:]):
        return f"s3:{verb}Object"
    if not any(parts[1:]):
        return "s3:ListBuckets" if method == "GET" else f"s3:{verb}"
    if method == "GET" and query.get("list-type") == ["2"]:
        return "s3:ListObjectsV2"
    return f"s3:{verb}{next((name for key, name in OF_BUCKETS.items() if key in query), 'Bucket')}"


def _peek(environ: Environ) -> str:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    return str(body.decode("utf-8", "replace"))
