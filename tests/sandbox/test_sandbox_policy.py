"""The evaluation of a policy: allowed only where a statement allows, a Deny above all, nothing unknown ignored."""

from __future__ import annotations

from typing import Any

import pytest

from ops_lib.sandbox.policy import Policy

QUEUE = "arn:aws:sqs:us-east-1:1:stereo-spot-a"


def policy(*statements: dict[str, Any]) -> Policy:
    usual = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return Policy({"Version": "2012-10-17", "Statement": [usual | one for one in statements]})


@pytest.mark.parametrize(
    ("action", "pattern", "decision"),
    [
        ("sqs:SendMessage", "sqs:SendMessage", "allowed"),
        ("sqs:SendMessage", "sqs:*", "allowed"),
        ("sqs:SendMessage", "SQS:sendmessage", "allowed"),
        ("sqs:SendMessage", "sqs:Send?essage", "allowed"),
        ("sqs:SendMessage", ["s3:GetObject", "sqs:SendMessage"], "allowed"),
        ("sqs:SendMessageBatch", "sqs:SendMessage", "implicitDeny"),
        ("xsqs:SendMessage", "sqs:SendMessage", "implicitDeny"),
        ("sqs:SendMessage", "sqs.SendMessage", "implicitDeny"),
    ],
)
def test_actions_match_by_wildcards_and_whatever_their_case(action: str, pattern: Any, decision: str) -> None:
    assert policy({"Action": pattern}).decide(action, QUEUE) == decision


@pytest.mark.parametrize(
    ("pattern", "decision"),
    [
        ("arn:aws:sqs:*:*:stereo-spot-*", "allowed"),
        ("arn:aws:sqs:*:1:stereo-spot-?", "allowed"),
        ("arn:aws:sqs:*:*:Stereo-spot-*", "implicitDeny"),
        ("arn:aws:sqs:*:*:stereo-spot-", "implicitDeny"),
        ("arn:aws:sqs:*:*:stereo-spot-?b", "implicitDeny"),
        ("arn:aws:sqs:*:*:stereo-spot-a?", "implicitDeny"),
        ("arn:aws:sqs:us.east-1:1:stereo-spot-a", "implicitDeny"),
        (["arn:aws:s3:::x", QUEUE], "allowed"),
    ],
)
def test_resources_match_by_wildcards_and_case(pattern: Any, decision: str) -> None:
    assert policy({"Resource": pattern}).decide("sqs:SendMessage", QUEUE) == decision


def test_any_resource_is_not_every_named_one() -> None:
    assert policy({"Resource": QUEUE}).decide("sqs:SendMessage", "*") == "implicitDeny"
    assert policy({"Resource": "*"}).decide("sqs:SendMessage", "*") == "allowed"


def test_a_deny_overrides_whatever_allows() -> None:
    both = policy({}, {"Effect": "Deny", "Action": "sqs:Purge*"})
    assert both.decide("sqs:PurgeQueue", QUEUE) == "explicitDeny"
    assert both.decide("sqs:SendMessage", QUEUE) == "allowed"
    only_deny = policy({"Effect": "Deny", "Action": "sqs:Purge*"})
    assert only_deny.decide("sqs:SendMessage", QUEUE) == "implicitDeny"


@pytest.mark.parametrize(
    ("condition", "context", "decision"),
    [
        ({"StringEquals": {"a:b": "x"}}, (("a:b", "x"),), "allowed"),
        ({"StringEquals": {"A:B": "x"}}, (("a:b", "x"),), "allowed"),
        ({"StringEquals": {"a:b": ["y", "x"]}}, (("a:b", "x"),), "allowed"),
        ({"StringEquals": {"a:b": "*"}}, (("a:b", "x"),), "implicitDeny"),
        ({"StringLike": {"a:b": "*"}}, (("a:b", "x"),), "allowed"),
        ({"ArnLike": {"a:b": "arn:*:x"}}, (("a:b", "arn:aws:x"),), "allowed"),
        ({"StringEquals": {"a:b": "x"}}, (("a:b", "X"),), "implicitDeny"),
        ({"StringEquals": {"a:b": "x"}}, (), "implicitDeny"),
        ({"StringEquals": {"a:b": "x", "a:c": "y"}}, (("a:b", "x"),), "implicitDeny"),
        ({"StringEquals": {"a:b": "x"}, "StringLike": {"a:c": "y"}}, (("a:b", "x"), ("a:c", "y")), "allowed"),
    ],
)
def test_every_condition_must_hold(condition: Any, context: Any, decision: str) -> None:
    assert policy({"Condition": condition}).decide("sqs:SendMessage", QUEUE, context) == decision


@pytest.mark.parametrize(
    "statement",
    [
        {"NotAction": "sqs:*"},
        {"Principal": "*"},
        {"Effect": "allow"},
        {"Resource": "arn:aws:s3:::${aws:username}"},
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Condition": {"StringEqualsIfExists": {"a:b": "x"}}},
    ],
)
def test_what_it_does_not_know_it_does_not_ignore(statement: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot judge"):
        policy(statement)


def test_one_statement_need_be_no_list() -> None:
    one = Policy({"Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}})
    assert one.decide("sqs:SendMessage", QUEUE) == "allowed"
