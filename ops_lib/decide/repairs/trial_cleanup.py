"""The plan that deletes what trials of the endpoint left under their own prefix: requests and films, nothing else.

No lifecycle rule of the pipeline reaches them (pipeline.md 4), and the buckets keep no versions: deleted is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ops_lib.change.plan import Call, Condition, Plan, Step
from ops_lib.decide.checks import counted
from ops_lib.decide.repairs.calls import list_objects, object_in_listing
from ops_lib.decide.repairs.endpoint_smoke import SCRATCH
from ops_lib.decide.repairs.names import NOBODY, Names, NoRepair, Unsafe
from ops_lib.decide.repairs.planned import answered, planned
from ops_lib.evidence import Evidence, S3Object, known

YOUNG = timedelta(hours=1)  # somebody may still wait for the film of it
MOST = 50  # a step each; the next plan has the rest


def plan_clean_up_trials(objects: Evidence[tuple[S3Object, ...]], names: Names, now: datetime) -> Plan | NoRepair:
    """Return the plan that deletes these objects of the output bucket, those that are older than an hour."""

    def make() -> Plan:
        left = _left(known(objects), now)
        if not left:
            raise Unsafe(f"No trial left anything under {SCRATCH}/ that is older than an hour.", NOBODY)
        steps = [_delete(names.output_bucket, one) for one in left[:MOST]]
        more = f"; {len(left) - MOST} more are left for the next plan" if len(left) > MOST else ""
        megabytes = sum(one.size_bytes for one in left[:MOST]) / 1e6
        reason = f"{megabytes:.1f} MB of trials that are over, and no lifecycle rule removes them{more}"
        return planned(names, now, f"Delete {counted(steps, 'object')} that trials left", reason, steps)

    return answered(make)


def _left(objects: Sequence[S3Object], now: datetime) -> list[S3Object]:
    old = [one for one in objects if one.key.startswith(f"{SCRATCH}/") and now - one.last_modified > YOUNG]
    return sorted(old, key=lambda one: one.key)


def _delete(bucket: str, one: S3Object) -> Step:
    listed = list_objects(bucket, one.key)
    path = f"{object_in_listing(one.key)}.ETag"
    return Step(
        title=f"delete {one.key}",
        call=Call("s3", "DeleteObject", {"Bucket": bucket, "Key": one.key}),
        before=f"{one.size_bytes / 1e6:.1f} MB, written {one.last_modified:%Y-%m-%d %H:%M} UTC",
        after="it is gone; no job's file is touched",
        risk="None for the pipeline: nothing reads it.",
        undo="",
        conditions=(Condition("the object is as it was", listed, path, one.etag),),
        done_when=Condition("the object is gone", listed, path, None),
        harmless_twice=True,
        doubles="nothing: it is gone already",
    )
