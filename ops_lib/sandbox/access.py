"""Who a request comes from, and whether the committed policies (deploy/iam) allow what it asks.

The sandbox has four credentials from the start (`credentials.py`) and whatever sessions sts:AssumeRole has given out
since. moto's own enforcement is not used: it answers JSON services with the code "403" and does not look at resources.
Signatures are not verified: practice with permissions, not a protection of the sandbox.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops_lib.sandbox import actions, refusals
from ops_lib.sandbox.credentials import DELIVER, OWNER, READER, RESPONDER, Environ, signed
from ops_lib.sandbox.operations import protocol_of
from ops_lib.sandbox.policy import Policy
from ops_lib.sandbox.recording import ACCOUNT
from ops_lib.sandbox.refusals import Refused

POLICIES = Path(__file__).parents[2] / "deploy" / "iam"
ROLES = {"reader": READER, "responder": RESPONDER, "deliver": DELIVER}
EVERYTHING = Policy({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
SESSION = "sandbox"
# AWS: STS API reference, "GetCallerIdentity": no permissions are required, not even an explicit Deny takes it away.
FREE = "sts:GetCallerIdentity"


@dataclass(frozen=True)
class Principal:
    """Who asks: as GetCallerIdentity names it, what it may, and until when (seconds since 1970; None: for ever)."""

    arn: str
    user_id: str
    policy: Policy
    token: str = ""
    expires: float | None = None


def role_of(name: str) -> str:
    """Return the role that a policy of deploy/iam is written for."""
    return f"stereo-spot-ops-{name}"


def role_arn(role: str) -> str:
    """Return the ARN of a role of the sandbox's account."""
    return f"arn:aws:iam::{ACCOUNT}:role/{role}"


class Access:
    """The principals by access key, and the policies of the roles."""

    def __init__(self) -> None:
        self.policies = {role_arn(role_of(name)): Policy.load(POLICIES / f"{name}.json") for name in ROLES}
        self.policies[f"arn:aws:iam::{ACCOUNT}:user/{OWNER}"] = EVERYTHING
        self.principals = {key: self.session(role_of(name), SESSION) for name, key in ROLES.items()}
        self.principals[OWNER] = Principal(f"arn:aws:iam::{ACCOUNT}:user/{OWNER}", "AIDASANDBOXOWNER", EVERYTHING)

    def session(self, role: str, name: str, token: str = "", expires: float | None = None) -> Principal:
        """Return a session of one of the roles."""
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"
        return Principal(arn, f"{role_id(role)}:{name}", self.policies[role_arn(role)], token, expires)

    def replace(self, role: str, document: dict[str, Any] | None) -> None:
        """Let a role's own key have this policy, None: the committed one again. Raises KeyError, ValueError."""
        key, policy = ROLES[role], Policy(document) if document else Policy.load(POLICIES / f"{role}.json")
        self.policies[role_arn(role_of(role))] = policy
        self.principals[key] = self.session(role_of(role), SESSION)

    def admit(self, environ: Environ, operation: str) -> Principal:
        """Return who asks, or raise Refused for an unknown key or what its policy does not allow."""
        by = signed(environ)
        if by is None:
            words = "Access Denied" if protocol_of(environ) == "s3" else "Missing Authentication Token"
            raise Refused(refusals.UNSIGNED, words)
        who = self.principals.get(by.key)
        if who is None or who.token != by.token:
            is_s3 = protocol_of(environ) == "s3"
            words = "The AWS Access Key Id you provided does not exist in our records." if is_s3 else ""
            raise Refused(refusals.UNKNOWN_KEY, words or "The security token included in the request is invalid.")
        if who.expires is not None and who.expires < time.time():
            raise Refused(refusals.EXPIRED, "The security token included in the request is expired")
        if operation != FREE and who.policy is not EVERYTHING:
            for one in actions.needed(operation, environ, by.region):
                self.require(who, one)
        return who

    def require(self, who: Principal, one: actions.Needed) -> None:
        """Raise Refused, in AWS's words, unless the principal's policy allows this action on this resource."""
        decision = who.policy.decide(*one)
        if decision != "allowed":
            raise Refused(refusals.DENIED, _words(who.arn, one, decision == "explicitDeny"))


def role_id(role: str) -> str:
    """Return the unique id of a role of the sandbox's."""
    return f"AROA{role.rpartition('-')[2].upper()}SANDBOX"


def _words(arn: str, one: actions.Needed, explicit: bool) -> str:
    """Return AWS's sentence. AWS: IAM User Guide, "Troubleshoot access denied error messages"."""
    service = one.action.partition(":")[0]
    action = one.action.lower() if service == "sqs" else one.action
    resource = f'"{one.resource}"' if service == "s3" else one.resource
    on = f" on resource: {resource}" if one.resource != actions.ANY else ""
    why = f"no identity-based policy allows the {action} action"
    because = "with an explicit deny in an identity-based policy" if explicit else f"because {why}"
    return f"User: {arn} is not authorized to perform: {action}{on} {because}"
