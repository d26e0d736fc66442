"""What only the door can answer: who asks, sessions of the two roles, and what a role could do.

AWS: STS API reference, "GetCallerIdentity" and "AssumeRole"; IAM API reference, "SimulatePrincipalPolicy". moto gives
every caller the same identity and has no simulation. An option that is not here is refused.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from ops_lib.sandbox import refusals
from ops_lib.sandbox.access import Access, Principal, role_id
from ops_lib.sandbox.recording import ACCOUNT
from ops_lib.sandbox.refusals import Refused

Form = dict[str, str]
STS, IAM = "https://sts.amazonaws.com/doc/2011-06-15/", "https://iam.amazonaws.com/doc/2010-05-08/"
NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
LIST = re.compile(r"(\w+)\.member\.\d+")
# AWS: a role's MaxSessionDuration is an hour unless set, and one role assumed by another never has more.
SHORTEST_S, LONGEST_S = 900, 3600
ALWAYS = {"Action", "Version"}


def caller(_: Access, who: Principal, form: Form) -> str:
    """Answer sts:GetCallerIdentity."""
    _only(form)
    told = f"<Arn>{who.arn}</Arn><UserId>{who.user_id}</UserId><Account>{ACCOUNT}</Account>"
    return _document("GetCallerIdentity", STS, told)


def assume(access: Access, who: Principal, form: Form) -> str:
    """Answer sts:AssumeRole: a session of one of the two roles, whose key is known from now on."""
    _only(form, "RoleArn", "RoleSessionName", "DurationSeconds")
    arn, name = form.get("RoleArn", ""), form.get("RoleSessionName", "")
    duration = form.get("DurationSeconds", str(LONGEST_S))
    if not NAME.fullmatch(name) or not duration.isdecimal() or not SHORTEST_S <= int(duration) <= LONGEST_S:
        wrong = f"RoleSessionName {name!r}, DurationSeconds {duration!r}"
        raise Refused(refusals.same("ValidationError"), f"1 validation error detected: {wrong}")
    if arn not in access.policies or ":role/" not in arn:
        # AWS does not say that a role does not exist.
        raise Refused(
            refusals.DENIED, f"User: {who.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        )
    role, expires = arn.rpartition("/")[2], time.time() + int(duration)
    key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(32)
    session = access.principals[key] = access.session(role, name, token, expires)
    until = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    credentials = (
        f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
        f"<SessionToken>{token}</SessionToken><Expiration>{until}</Expiration>"
    )
    user = f"<AssumedRoleId>{role_id(role)}:{name}</AssumedRoleId><Arn>{session.arn}</Arn>"
    told = f"<Credentials>{credentials}</Credentials><AssumedRoleUser>{user}</AssumedRoleUser>"
    return _document("AssumeRole", STS, told)


def simulate(access: Access, _: Principal, form: Form) -> str:
    """Answer iam:SimulatePrincipalPolicy from the policies that the door itself judges by."""
    asked = {match[1] for name in form if (match := LIST.fullmatch(name))}
    _only({name: text for name, text in form.items() if not LIST.fullmatch(name)}, "PolicySourceArn")
    names, arns = _listed(form, "ActionNames"), _listed(form, "ResourceArns") or ["*"]
    if asked - {"ActionNames", "ResourceArns"} or len(arns) > 1 or len({name.partition(":")[0] for name in names}) > 1:
        # AWS answers some mixtures with InvalidInput, "require different authorization information".
        _not_checked("SimulatePrincipalPolicy with more than the actions of one service on one resource")
    policy = access.policies.get(form.get("PolicySourceArn", ""))
    if policy is None:
        raise Refused(refusals.same("NoSuchEntity", 404), f"{form.get('PolicySourceArn')} does not exist")
    about = f"<EvalResourceName>{escape(arns[0])}</EvalResourceName><MatchedStatements/><MissingContextValues/>"
    results = "".join(
        f"<member><EvalActionName>{escape(name)}</EvalActionName>{about}"
        f"<EvalDecision>{policy.decide(name, arns[0])}</EvalDecision></member>"
        for name in names
    )
    told = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
    return _document("SimulatePrincipalPolicy", IAM, told)


ANSWERS: dict[str, Callable[[Access, Principal, Form], str]] = {
    "sts:GetCallerIdentity": caller,
    "sts:AssumeRole": assume,
    "iam:SimulatePrincipalPolicy": simulate,
}


def _only(form: Form, *options: str) -> None:
    if others := set(form) - ALWAYS - set(options):
        _not_checked(f"{form.get('Action')} with {', '.join(sorted(others))}")


def _not_checked(what: str) -> None:
    raise Refused(refusals.NOT_CHECKED, f"nobody has checked {what} against AWS's documents")


def _listed(form: Form, name: str) -> list[str]:
    return [text for key, text in form.items() if (match := LIST.fullmatch(key)) and match[1] == name]


def _document(operation: str, namespace: str, told: str) -> str:
    result = f"<{operation}Result>{told}</{operation}Result>"
    metadata = f"<ResponseMetadata><RequestId>{secrets.token_hex(16)}</RequestId></ResponseMetadata>"
    return f'<{operation}Response xmlns="{namespace}">{result}{metadata}</{operation}Response>'
