"""The edge: every way AWS fails to answer becomes unread with its reason; a bug of ours does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from ops_lib.errors import ChangeRefused
from ops_lib.evidence import NotKnown, Read, Unread, known
from ops_lib.read.attempt import Incomplete, attempt


def failing(error: Exception) -> Callable[[], object]:
    def read() -> object:
        raise error

    return read


def client_error(code: str, operation: str = "Op") -> ClientError:
    answer = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"RetryAttempts": 2}}
    return ClientError(answer, operation)  # type: ignore[arg-type]


def test_of_several_calls_of_one_read_the_denied_one_is_named() -> None:
    for operation, action in (
        ("ListDeadLetterSourceQueues", "sqs:ListDeadLetterSourceQueues"),
        ("ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility"),
    ):
        unread = attempt("sqs:ReceiveMessage q", failing(client_error("AccessDenied", operation)))
        assert isinstance(unread, Unread)
        assert unread.next_step == f"add {action} to the reader role"


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (client_error("AccessDenied"), "denied", "reader role"),
        (client_error("AccessDeniedException"), "denied", "reader role"),
        (client_error("ExpiredTokenException"), "denied", "sign in"),
        (client_error("ThrottlingException"), "throttled", "wait"),
        (client_error("ProvisionedThroughputExceededException"), "throttled", "wait"),
        (client_error("SlowDown"), "throttled", "wait"),
        (client_error("AWS.SimpleQueueService.NonExistentQueue"), "missing", "stale"),
        (client_error("ResourceNotFoundException"), "missing", "stale"),
        (client_error("NoSuchBucket"), "missing", "stale"),
        (client_error("InternalServerError"), "failed", "doctor"),
        (ReadTimeoutError(endpoint_url="http://x"), "timeout", "run again"),
        (ConnectTimeoutError(endpoint_url="http://x"), "timeout", "run again"),
        (EndpointConnectionError(endpoint_url="http://x"), "timeout", "network"),
        (NoCredentialsError(), "failed", "doctor"),
        (ResponseParserError("html"), "garbage", "proxy"),
        (KeyError("Items"), "garbage", "proxy"),
        (ValueError("banana"), "garbage", "proxy"),
        (Incomplete("40 pages"), "partial", "narrow"),
    ],
)
def test_an_error_becomes_unread_with_reason_and_next_step(error: Exception, kind: str, says: str) -> None:
    unread = attempt("sqs:GetQueueAttributes q", failing(error))
    assert isinstance(unread, Unread)
    assert unread.kind == kind
    assert says in unread.next_step
    assert unread.reason
    assert "\n" not in unread.reason
    with pytest.raises(NotKnown):
        known(unread)


def test_throttling_says_after_how_many_attempts() -> None:
    unread = attempt("x", failing(client_error("ThrottlingException")))
    assert isinstance(unread, Unread)
    assert "after 3 attempts" in unread.reason


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), AssertionError(), ChangeRefused("no"), KeyboardInterrupt(), NameError()]
)
def test_a_bug_of_ours_and_an_interrupt_are_not_swallowed(error: BaseException) -> None:
    with pytest.raises(type(error)):
        attempt("x", failing(error))  # type: ignore[arg-type]


def test_a_value_comes_with_its_source_and_time() -> None:
    read = attempt("s3:ListBucket b", lambda: 3)
    assert isinstance(read, Read)
    assert (read.value, read.source) == (3, "s3:ListBucket b")
    assert read.at.tzinfo is not None


def test_a_long_reason_is_cut() -> None:
    unread = attempt("x", failing(ValueError("y" * 5000)))
    assert isinstance(unread, Unread)
    assert len(unread.reason) < 400


@pytest.mark.parametrize(
    ("source", "action"),
    [
        ("sqs:GetQueueAttributes q", "sqs:GetQueueAttributes"),
        ("s3:ListObjectsV2 bucket", "s3:ListBucket"),
        ("s3:GetBucketNotificationConfiguration bucket", "s3:GetBucketNotification"),
    ],
)
def test_a_missing_permission_is_named_as_iam_spells_it(source: str, action: str) -> None:
    operation = source.split()[0].split(":")[1]
    unread = attempt(source, failing(client_error("AccessDenied", operation)))
    assert isinstance(unread, Unread)
    assert unread.next_step == f"add {action} to the reader role"


def test_no_cut_leaves_the_beginning_of_a_secret() -> None:
    unread = attempt("sqs:Op q", failing(ValueError(f"{'x' * 232} AKIA{'B' * 16}")))
    assert isinstance(unread, Unread)
    assert "AKIA" not in unread.reason
