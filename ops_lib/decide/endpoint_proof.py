"""What became of an update: proven only by InService and the new config and the new digest; else by name what it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Literal

from ops_lib.deployed import Content

# AWS: API reference, "DescribeEndpoint", EndpointStatus: the nine, and which of them change by themselves.
CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
ENDED = ("InService", "OutOfService", "Failed", "UpdateRollbackFailed")
ProofState = Literal["proven", "under-way", "refuted", "unknown"]


@dataclass(frozen=True)
class Wanted:
    """What an update is to end as: the config's name, and the digest paths that are to run (none: nobody knows).

    `untouched_at`: when the endpoint was last changed before the update (ISO 8601, UTC): as long as AWS still says
    that, it shows what was before, not what came of the update.
    """

    config: str
    images: tuple[str, ...]
    untouched_at: str = ""


@dataclass(frozen=True)
class Proof:
    """How an update stands; `name` is the same from run to run: updated, silent-rollback, wrong-image, Failed, ..."""

    state: ProofState
    name: str
    words: str


def prove(content: Content | None, wanted: Wanted) -> Proof:
    """Return how the update to `wanted` stands; `content`: what DescribeEndpoint says, None where there is none."""
    if content is None:
        return Proof("refuted", "gone", "the endpoint does not exist any more")
    status, config = str(content["EndpointStatus"]), str(content["EndpointConfigName"])
    if status in CHANGING:
        return Proof("under-way", status, f"{status}{_stage(content)}")
    reason = f": {str(content['FailureReason']).rstrip('. ')}" if content.get("FailureReason") else ""
    if status == "InService" and config != wanted.config and changed_at(content) == wanted.untouched_at:
        return Proof("under-way", "not-begun", f"InService with {config}: AWS does not show the update yet")
    if status == "InService":
        return _in_service(content, config, wanted, reason)
    if status == "Failed":
        return Proof("refuted", status, f"the endpoint is Failed{reason}. It can only be deleted and created again")
    if status == "UpdateRollbackFailed":
        words = f"update and rollback both failed{reason}. The endpoint serves with a mix of both configs: restore one"
        return Proof("refuted", status, words)
    if status == "OutOfService":
        return Proof("refuted", status, f"the endpoint is OutOfService and takes no request{reason}")
    return Proof("unknown", status, f"the endpoint is {status}, which these runbooks do not know{reason}")


def images_running(content: Content) -> tuple[str, ...]:
    """Return the digest paths that run, in the order AWS names them."""
    images = [one for variant in content.get("ProductionVariants", ()) for one in variant.get("DeployedImages", ())]
    return tuple(str(one.get("ResolvedImage", "(not named)")) for one in images)


def changed_at(content: Content) -> str:
    """Return when the endpoint was last changed (ISO 8601, UTC), "" where AWS does not say."""
    at = content.get("LastModifiedTime")
    return at.astimezone(UTC).isoformat() if at else ""


def _in_service(content: Content, config: str, wanted: Wanted, reason: str) -> Proof:
    if config != wanted.config:
        why = reason or ": AWS gives no reason"
        words = f"silent rollback: InService, but with {config}, not {wanted.config}{why}"
        return Proof("refuted", "silent-rollback", words)
    runs = images_running(content)
    if wanted.images and set(runs) != set(wanted.images):
        words = f"InService with {config}, but another image runs: {_listed(runs)}, not {_listed(wanted.images)}"
        return Proof("refuted", "wrong-image", words)
    return Proof("proven", "updated", f"InService with {config}, and {_listed(runs)} runs")


def _stage(content: Content) -> str:
    pending: Any = content.get("PendingDeploymentSummary", {})
    stages = [
        one["VariantStatus"][0]["Status"] for one in pending.get("ProductionVariants", ()) if "VariantStatus" in one
    ]
    return f", new instances: {', '.join(dict.fromkeys(stages))}" if stages else ""


def _listed(images: Collection[str]) -> str:
    return ", ".join(sorted({one.rpartition("/")[2][:64] for one in images})) or "none that AWS names"
