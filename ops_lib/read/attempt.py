"""The one edge where an AWS answer becomes evidence, or an error becomes *unread* with its reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from ops_lib.evidence import Evidence, Read, Unread
from ops_lib.places import ops_command
from ops_lib.redaction import shortened

T = TypeVar("T")

DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"}
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}
THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
}
MISSING = {
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
    "ResourceNotFoundException",
    "ResourceNotFound",
    "NoSuchBucket",
    "NoSuchKey",
    "ClusterNotFoundException",
    "ServiceNotFoundException",
    "404",
}
# IAM's name of the action, where it is not the operation's (Service Authorization Reference).
IAM_NAMES = {
    "service-quotas:ListServiceQuotas": "servicequotas:ListServiceQuotas",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
NAMED = re.compile(r"not authorized to perform: ([a-z0-9-]+:\w+)")


class Incomplete(Exception):
    """Raised inside a reader when AWS answered, but not everything: pages beyond the bound, a failed query."""


def attempt(source: str, read: Callable[[], T]) -> Evidence[T]:
    """Return what `read` returns as evidence from `source`; every way AWS can fail to answer becomes Unread.

    A bug of ours must not pass for an answer of AWS: only errors of botocore, of a malformed answer
    (LookupError, TypeError, ValueError, AttributeError while taking it apart) and Incomplete are caught.
    """
    try:
        return Read(read(), source, datetime.now(UTC))
    except ClientError as error:
        return _from_client_error(source, error)
    except (ConnectTimeoutError, ReadTimeoutError) as error:
        return Unread(source, "timeout", f"no answer: {_line(error)}", "run again; check the network and AWS status")
    except (EndpointConnectionError, ConnectionClosedError, HTTPClientError) as error:
        return Unread(source, "timeout", f"no connection: {_line(error)}", "check region, endpoint_url and network")
    except Incomplete as error:
        return Unread(source, "partial", str(error), "narrow the question, or read the rest by hand")
    except (ResponseParserError, LookupError, TypeError, ValueError, AttributeError) as error:
        reason = f"the answer is not what AWS documents ({type(error).__name__}: {_line(error)})"
        return Unread(source, "garbage", reason, "run again; check endpoint_url and any proxy in between")
    except BotoCoreError as error:
        return Unread(source, "failed", _line(error), f"run {ops_command()} doctor")


def _from_client_error(source: str, error: ClientError) -> Unread:
    code = str(error.response.get("Error", {}).get("Code", "?"))
    said = _line(error)
    if code == "NotInThisBundle":
        return Unread(source, "not-asked", "it was not asked when the bundle was written", "ask the live environment")
    if code in DENIED:
        # Of several calls that one read makes, the one that was denied.
        action = denied_action(f"{source.split(':')[0]}:{error.operation_name}", error)
        return Unread(source, "denied", f"access denied: {said}", f"add {action} to the reader role")
    if code in EXPIRED:
        return Unread(source, "denied", f"the credential is not valid: {said}", "sign in again")
    if code == "LimitExceededException":
        return Unread(source, "throttled", f"a quota of this account is used up: {said}", "wait a minute, run again")
    if code in THROTTLED:
        tries = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) + 1
        return Unread(source, "throttled", f"throttled after {tries} attempts: {said}", "wait a minute, run again")
    if code in MISSING:
        return Unread(source, "missing", f"does not exist: {said}", "the .env may be stale: regenerate it")
    return Unread(source, "failed", said, f"run {ops_command()} doctor")


def denied_action(operation: str, error: Exception) -> str:
    """Return the action to allow: the operation's own name in IAM, or the other one that AWS names in its refusal."""
    own, named = IAM_NAMES.get(operation, operation), NAMED.search(str(error))
    return named[1] if named and named[1].lower() != own.lower() else own


def _line(error: Exception) -> str:
    return shortened(str(error), 240)
