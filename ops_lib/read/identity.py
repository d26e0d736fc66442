"""Could the present credential change the pipeline by itself? The gate stops mistakes; only the role is a boundary."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from ops_lib.aws import Aws
from ops_lib.evidence import Read
from ops_lib.read.attempt import attempt

ASSUMED = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/.+")


def write_power(aws: Aws) -> str:
    """Return, in words, whether the credential could write (iam:SimulatePrincipalPolicy), or that it is not known."""
    asked = attempt("iam:SimulatePrincipalPolicy", lambda: _allowed(aws))
    if not isinstance(asked, Read):
        return f"may write? not known ({asked.kind})"
    return f"COULD WRITE: {', '.join(asked.value)}" if asked.value else "cannot write"


def _changes(aws: Aws) -> dict[str, str]:
    """Return one change per service that a repair would make, and what it would change."""
    settings, who = aws.settings, aws.identity
    partition = who.arn.split(":")[1]
    here = f"{settings.region}:{who.account_id}"
    queue = next(iter(settings.queues.values())).rsplit("/", 1)[-1]
    return {
        "sqs:SendMessage": f"arn:{partition}:sqs:{here}:{queue}",
        "dynamodb:UpdateItem": f"arn:{partition}:dynamodb:{here}:table/{settings.tables['jobs']}",
        "ecs:UpdateService": f"arn:{partition}:ecs:{here}:service/{settings.cluster}/video-worker",
        "s3:PutObject": f"arn:{partition}:s3:::{settings.input_bucket}/any",
    }


def _allowed(aws: Aws) -> list[str]:
    iam, who = aws.client("iam"), _principal(aws.identity.arn)

    def decision(change: tuple[str, str]) -> str:
        # One action at a time: AWS refuses mixtures that "require different authorization information". And on a
        # resource of its own: on "*", its default, a policy about named resources allows nothing.
        action, resource = change
        answer = iam.simulate_principal_policy(PolicySourceArn=who, ActionNames=[action], ResourceArns=[resource])
        return str(answer["EvaluationResults"][0]["EvalDecision"])

    changes = _changes(aws)
    with ThreadPoolExecutor(len(changes)) as pool:
        decisions = list(pool.map(decision, changes.items()))
    return [action for action, decided in zip(changes, decisions, strict=True) if decided == "allowed"]


def _principal(arn: str) -> str:
    """Return the role behind an assumed-role session: IAM simulates roles and users, not sessions."""
    session = ASSUMED.fullmatch(arn)
    return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}" if session else arn
