"""Who one is, as STS tells it, by one's own key and by that of a role."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import aws
import boto3

STS = aws.client("sts")


def test_who_one_is() -> None:
    """AWS: API reference, "GetCallerIdentity": the account (twelve digits), ARN and unique id of the caller."""
    found = STS.get_caller_identity()
    assert found["Account"] == aws.ACCOUNT
    assert re.fullmatch(rf"arn:aws:(iam|sts)::{aws.ACCOUNT}:(root|user/\S+|assumed-role/\S+)", found["Arn"])
    assert found["UserId"]


def test_a_role_is_a_session_of_its_own() -> None:
    """AWS: API reference, "AssumeRole": temporary credentials; the ARN is assumed-role/<role>/<session name>."""
    role = f"arn:aws:iam::{aws.ACCOUNT}:role/stereo-spot-ops-reader"
    answer = STS.assume_role(RoleArn=role, RoleSessionName="rules", DurationSeconds=900)
    assumed = f"arn:aws:sts::{aws.ACCOUNT}:assumed-role/stereo-spot-ops-reader/rules"
    assert answer["AssumedRoleUser"]["Arn"] == assumed
    assert answer["AssumedRoleUser"]["AssumedRoleId"].endswith(":rules")
    given = answer["Credentials"]
    assert timedelta(minutes=14) < given["Expiration"] - datetime.now(UTC) < timedelta(minutes=16)
    assert given["AccessKeyId"].startswith("ASIA")
    session = boto3.client(
        "sts",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    found = session.get_caller_identity()
    assert (found["Arn"], found["Account"]) == (assumed, aws.ACCOUNT)
