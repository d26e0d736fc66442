"""Could the present credential change the pipeline by itself? The gate stops mistakes; only the role is a boundary."""

from __future__ import annotations

import re

from ops_lib.aws import Aws
from ops_lib.evidence import Read
from ops_lib.read.attempt import attempt

# One change per service that a repair would make.
CHANGES = ["sqs:SendMessage", "sqs:DeleteMessage", "dynamodb:UpdateItem", "ecs:UpdateService", "s3:PutObject"]
ASSUMED = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/.+")


def write_power(aws: Aws) -> str:
    """Return, in words, whether the credential could write (iam:SimulatePrincipalPolicy), or that it is not known."""
    if aws.settings.sandbox:
        return "may write (sandbox)"
    asked = attempt("iam:SimulatePrincipalPolicy", lambda: _allowed(aws))
    if not isinstance(asked, Read):
        return f"may write? not known ({asked.kind})"
    return f"COULD WRITE: {', '.join(asked.value)}" if asked.value else "cannot write"


def _allowed(aws: Aws) -> list[str]:
    answer = aws.client("iam").simulate_principal_policy(
        PolicySourceArn=_principal(aws.identity.arn), ActionNames=CHANGES
    )
    results = answer["EvaluationResults"]
    return [str(result["EvalActionName"]) for result in results if result["EvalDecision"] == "allowed"]


def _principal(arn: str) -> str:
    """Return the role behind an assumed-role session: IAM simulates roles and users, not sessions."""
    session = ASSUMED.fullmatch(arn)
    return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}" if session else arn
