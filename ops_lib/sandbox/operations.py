"""Which operation a request is, and in which wire protocol it is asked: by what AWS's protocols put into it.

What is not recognised gets a name that is on no list ("s3:GetObject?acl", "pipes:GET /v1/pipes"), never the name of
something it is not.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Literal
from urllib.parse import parse_qs

from ops_lib.sandbox.credentials import Environ, signed

Protocol = Literal["json", "cbor", "query", "rest-json", "s3"]
TARGETS = {
    "AmazonSQS": "sqs",
    "DynamoDB_20120810": "dynamodb",
    "Logs_20140328": "logs",
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AnyScaleFrontendService": "application-autoscaling",
    "SageMaker": "sagemaker",
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
    "CodeBuild_20161006": "codebuild",
    "GraniteServiceVersion20100801": "cloudwatch",
    "ServiceQuotasV20190624": "service-quotas",
}
# The services of the query protocol, by the version their requests carry.
VERSIONS = {
    "2011-06-15": "sts",
    "2010-08-01": "cloudwatch",
    "2010-05-08": "iam",
    "2012-11-05": "sqs",
    "2010-03-31": "sns",
}
# SageMaker's runtime, by the end of its path. Its requests are signed for "sagemaker".
INVOCATION = re.compile(r"/endpoints/[^/]+/(async-invocations|invocations)")
INVOCATIONS = {"async-invocations": "InvokeEndpointAsync", "invocations": "InvokeEndpoint"}
# What S3 is asked of a bucket, by the parameter that says so.
OF_BUCKETS = {
    "versioning": "BucketVersioning",
    "location": "BucketLocation",
    "lifecycle": "BucketLifecycleConfiguration",
    "notification": "BucketNotificationConfiguration",
}
BUCKET = {"GET": "ListObjects", "HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
OBJECT = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
# Parameters that refine a request of S3's; any other makes another operation of it.
LISTING = {"list-type", "prefix", "delimiter", "max-keys", "continuation-token", "start-after", "encoding-type"}
PRESIGNING = {"AWSAccessKeyId", "Signature", "Expires", "x-id"}


def protocol_of(environ: Environ) -> Protocol:
    """Return the wire protocol of a request."""
    if "HTTP_X_AMZ_TARGET" in environ:
        return "json"
    if str(environ.get("PATH_INFO", "")).startswith("/service/"):
        return "cbor"
    by = signed(environ)
    if by and by.service == "s3":
        return "s3"
    if "x-www-form-urlencoded" in str(environ.get("CONTENT_TYPE", "")):
        return "query"
    return "rest-json" if by else "s3"


def operation_of(environ: Environ) -> str:
    """Return "service:Operation" of a request, the service as boto3 calls it."""
    protocol = protocol_of(environ)
    path = str(environ.get("PATH_INFO", ""))
    if protocol == "json":
        service, _, operation = str(environ["HTTP_X_AMZ_TARGET"]).partition(".")
        return f"{TARGETS.get(service, service)}:{operation}"
    if protocol == "cbor":
        service, _, operation = path.removeprefix("/service/").partition("/operation/")
        return f"{TARGETS.get(service, service)}:{operation}"
    if protocol == "query":
        form = form_of(environ)
        return f"{VERSIONS.get(form.get('Version', ''), 'query')}:{form.get('Action', '?')}"
    method = str(environ["REQUEST_METHOD"])
    if protocol == "s3":
        return _s3(environ, method, path.split("/"))
    invocation = INVOCATION.fullmatch(path) if method == "POST" else None
    if invocation:
        return f"sagemaker-runtime:{INVOCATIONS[invocation[1]]}"
    by = signed(environ)
    return f"{by.service if by else ''}:{method} {path}"


def _s3(environ: Environ, method: str, parts: list[str]) -> str:
    query = parse_qs(str(environ.get("QUERY_STRING", "")), True)
    asked = sorted(key for key in query if key not in PRESIGNING and not key.lower().startswith("x-amz-"))
    if any(parts[2:]):
        copied = method == "PUT" and "HTTP_X_AMZ_COPY_SOURCE" in environ
        return _named("CopyObject" if copied else OBJECT.get(method, f"{method} object"), asked)
    if not any(parts[1:]):
        return _named("ListBuckets" if method == "GET" else method, asked)
    if method == "POST" and asked == ["delete"]:
        return "s3:DeleteObjects"
    if len(asked) == 1 and asked[0] in OF_BUCKETS:
        return f"s3:{method.capitalize()}{OF_BUCKETS[asked[0]]}"
    if method == "GET" and query.get("list-type") == ["2"]:
        return _named("ListObjectsV2", [key for key in asked if key not in LISTING])
    return _named(BUCKET.get(method, f"{method} bucket"), asked)


def _named(operation: str, asked: list[str]) -> str:
    return f"s3:{operation}?{'&'.join(asked)}" if asked else f"s3:{operation}"


def body_of(environ: Environ) -> bytes:
    """Return the request's body, and leave it to be read again."""
    body = bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    environ["wsgi.input"] = BytesIO(body)
    return body


def form_of(environ: Environ) -> dict[str, str]:
    """Return the parameters of a request of the query protocol."""
    given = parse_qs(body_of(environ).decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in given.items()}
