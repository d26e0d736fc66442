"""What the banner says of a credential, asked of IAM's own simulation in the sandbox."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from ops_lib.aws import Aws, connect
from ops_lib.read.identity import write_power

CHANGES = "sqs:SendMessage, dynamodb:UpdateItem, ecs:UpdateService, s3:PutObject"
Rules = tuple[dict[str, str], Counter[str]]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("sandbox-reader", "cannot write"),
        ("sandbox-responder", f"COULD WRITE: {CHANGES}"),
        ("sandbox", f"COULD WRITE: {CHANGES}"),
    ],
)
def test_what_each_key_of_the_sandbox_could_do(aws: Aws, key: str, said: str) -> None:
    assert write_power(connect(replace(aws.settings, keys=(key, key)))) == said


def test_the_key_a_notebook_has_cannot_write(aws: Aws) -> None:
    assert "assumed-role/stereo-spot-ops-reader" in aws.identity.arn
    assert write_power(aws) == "cannot write"


@pytest.mark.parametrize(("kind", "why"), [("denied", "denied"), ("timeout", "timeout")])
def test_where_nobody_says_it_is_not_known(aws: Aws, faults: Rules, kind: str, why: str) -> None:
    faults[0]["query:SimulatePrincipalPolicy"] = kind
    assert write_power(aws) == f"may write? not known ({why})"


def test_each_change_is_asked_alone_and_of_a_resource_of_the_pipeline(aws: Aws, faults: Rules) -> None:
    asked = []
    aws.client("iam").meta.events.register(
        "provide-client-params.iam.SimulatePrincipalPolicy", lambda params, **_: asked.append(params)
    )
    write_power(aws)
    assert faults[1]["query:SimulatePrincipalPolicy"] == len(asked) == 4
    for question in asked:
        assert question["PolicySourceArn"] == "arn:aws:iam::123456789012:role/stereo-spot-ops-reader"
        ((action,), (resource,)) = (question["ActionNames"], question["ResourceArns"])
        assert resource.startswith(f"arn:aws:{action.partition(':')[0]}:")
        assert "stereo-spot" in resource
