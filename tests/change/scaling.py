"""Capacity of a running sandbox as a notebook reads it, and how a service or a queue is set, as plain boto3 sees it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from ops_lib.aws import Aws, connect
from ops_lib.change.plan import Plan, Prior
from ops_lib.change.prior import priors
from ops_lib.decide.repairs import Names, NoRepair
from ops_lib.decide.repairs.restore import plan_restore
from ops_lib.decide.repairs.scaling_bounds import plan_maximum, plan_suspend
from ops_lib.decide.repairs.scaling_count import plan_count, plan_force_one
from ops_lib.decide.repairs.visibility import plan_visibility
from ops_lib.decide.work import WANTED
from ops_lib.evidence import Evidence, Unread, WorkerLines
from ops_lib.gathered import CapacityEvidence
from ops_lib.read.endpoint import read_endpoint
from ops_lib.read.log_groups import read_groups
from ops_lib.read.queues import read_pair
from ops_lib.read.scaling import read_scalable_targets, read_scaling_policies
from ops_lib.read.services import read_services, read_tasks
from ops_lib.read.work import read_work
from ops_lib.settings import open_settings
from tests.change.stage import Stage

UNASKED = Unread("cloudwatch:GetMetricData", "not-asked", "no plan is made of it", "none")


@cache
def aws_of(settings: Path) -> Aws:
    """Return the reader's clients, made once for each sandbox."""
    return connect(open_settings(str(settings)))


@cache
def work_of(settings: Path) -> Evidence[WorkerLines]:
    """Return the lines about work, read once: no test here writes any."""
    aws = aws_of(settings)
    return read_work(aws, read_groups(aws), aws.settings.now(), WANTED)


def capacity(at: Stage) -> CapacityEvidence:
    """Read what plans are made of."""
    aws = aws_of(at.environment)
    return CapacityEvidence(
        queues={key: read_pair(aws, key) for key in at.settings.queues},
        services=read_services(aws),
        tasks=read_tasks(aws),
        targets=read_scalable_targets(aws),
        policies=read_scaling_policies(aws),
        activities=UNASKED,
        series=UNASKED,
        work=work_of(at.environment),
        endpoint=read_endpoint(aws),
    )


# Each change of a setting, by name: what plans it, and of what it is in the journal.
CASES: dict[str, tuple[Callable[..., Plan | NoRepair], tuple[Any, ...], str]] = {
    "force": (plan_force_one, ("job-worker",), "service job-worker"),
    "count": (plan_count, ("video-worker", 2), "service video-worker"),
    "maximum": (plan_maximum, ("video-worker", 12), "service video-worker"),
    "suspend": (plan_suspend, ("media-worker",), "service media-worker"),
    "timeout": (plan_visibility, ("deletion", 1200), "queue deletion"),
}


def everything(at: Stage) -> list[dict[str, Any]]:
    """Return how every service and queue of the cases is set."""
    names = ("job-worker", "video-worker", "media-worker")
    return [*(state(at, name) for name in names), attributes(at, "deletion")]


def planned(at: Stage, make: Callable[..., Plan | NoRepair], *about: Any) -> Plan | NoRepair:
    """Read, and return what `make` makes of it."""
    here, now = at.settings, at.settings.now()
    names = Names(
        here.name, "123456789012", here.region, here.tables, here.queues,
        here.input_bucket, here.output_bucket, here.endpoint_name, here.cluster,
    )  # fmt: skip
    return make(*about, capacity(at), names, now)


def plan_of(at: Stage, make: Callable[..., Plan | NoRepair], *about: Any) -> Plan:
    """Return the plan; there must be one."""
    plan = planned(at, make, *about)
    assert isinstance(plan, Plan), plan
    return plan


def refusal(at: Stage, make: Callable[..., Plan | NoRepair], *about: Any) -> str:
    """Return why there is no plan; there must be none."""
    answer = planned(at, make, *about)
    assert isinstance(answer, NoRepair), answer
    return answer.reason


def prior(at: Stage, of: str) -> Prior | None:
    """Return what the journal has recorded."""
    return priors(at.entries()).get(of)


def restore(at: Stage, of: str) -> Plan:
    """Return the plan that gives back what was recorded."""
    return plan_of(at, plan_restore, prior(at, of))


def state(at: Stage, service: str) -> dict[str, Any]:
    """Return everything about a service that a change of scaling could change."""
    found = at.sandbox.client("ecs").describe_services(cluster="stereo-spot", services=[service])["services"][0]
    targets = at.sandbox.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")
    own = [one for one in targets["ScalableTargets"] if one["ResourceId"] == f"service/stereo-spot/{service}"]
    kept = ("desiredCount", "status", "taskDefinition", "launchType", "deploymentConfiguration")
    bounds = ("MinCapacity", "MaxCapacity", "SuspendedState", "RoleARN", "ScalableTargetARN")
    deployments = [one["id"] for one in found["deployments"]]
    return {
        **{name: found[name] for name in kept},
        **{name: one[name] for one in own for name in bounds},
        "deployments": deployments,
    }


def attributes(at: Stage, key: str) -> dict[str, str]:
    """Return what a queue is set to, without its counts and the time it was changed."""
    url = at.settings.queues[key]
    got = at.sandbox.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return {name: value for name, value in got.items() if not name.startswith(("Approximate", "LastModified"))}


def running(at: Stage, service: str) -> int:
    """Return how many tasks run."""
    found = at.sandbox.client("ecs").describe_services(cluster="stereo-spot", services=[service])["services"][0]
    return int(found["runningCount"])


def wait_for(what: Callable[[], bool], within_s: float = 30) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.1)
