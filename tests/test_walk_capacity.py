"""Every read of 2_scaling and 4_endpoint_update refused in turn: unknown exactly where it could change the answer.

Nothing that was not read may be ok, no plan may be made of it, and what does not hang on it must stand unchanged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from ops_lib.aws import Aws
from ops_lib.change.plan import Plan
from ops_lib.decide.capacity import Capacity
from ops_lib.decide.capacity_findings import capacity_findings
from ops_lib.decide.declared import compare, declared_findings
from ops_lib.decide.endpoint import endpoint_findings
from ops_lib.decide.endpoint_preflight import Rollout
from ops_lib.decide.endpoint_wish import Wish
from ops_lib.decide.findings import Finding
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.endpoint import plan_update
from ops_lib.decide.repairs.scaling_bounds import plan_maximum
from ops_lib.decide.repairs.scaling_count import plan_count
from ops_lib.decide.repairs.visibility import plan_visibility
from ops_lib.decide.work import WANTED
from ops_lib.read import insights
from ops_lib.read.capacity import read_capacity
from ops_lib.read.deployed import read_deployed
from tests.counts import PROVE
from tests.decide.repairs.capacities import NAMES
from tests.faults import KINDS


@dataclass(frozen=True)
class Told:
    """What the notebook says: findings by id with severity and words, and which plans there are."""

    findings: dict[str, tuple[str, str]]
    plans: frozenset[str]


def capacity(aws: Aws) -> Told:
    now = aws.settings.now()
    seen = Capacity(read_capacity(aws, now, timedelta(hours=6), WANTED), now)
    found = (*capacity_findings(seen, 3600), *declared_findings(compare(seen, aws.settings.declared.values)))
    at = (seen.evidence, NAMES, now)
    plans = {
        "count": plan_count("media-worker", 2, *at),
        "maximum": plan_maximum("media-worker", 12, *at),
        "timeout": plan_visibility("reassembly", 1200, *at),
    }
    return told(found, plans)


def endpoint(aws: Aws) -> Told:
    now, changed = aws.settings.now(), {"IW3_LOW_VRAM": "1"}
    deployed = read_deployed(aws, now)
    assert deployed
    tag, _, checks = plan_update(deployed, Wish(image="latest", environment=changed), Rollout(), NAMES, now)
    keep, _, _ = plan_update(deployed, Wish(environment=changed), Rollout(), NAMES, now)
    return told((*endpoint_findings(deployed), *checks), {"tag": tag, "keep": keep})


def told(findings: tuple[Finding, ...], plans: dict[str, Plan | NoRepair]) -> Told:
    made = frozenset(name for name, plan in plans.items() if isinstance(plan, Plan))
    return Told({one.id: (one.severity, one.summary) for one in findings}, made)


LOOKS: dict[str, Callable[[Aws], Told]] = {"capacity": capacity, "endpoint": endpoint}
ALL_CHECKS = {f"preflight-{one}" for one in ("alarms", "backlog", "endpoint", "image", "build", "role", "terraform")}
WORKERS, BOUNDS = {"no-workers"}, {"more-workers-than-instances:video-worker"}
EVERY = {"declared-differs"}  # a note, said only where every setting was read
QUEUES = ("chunking", "deletion", "ingest", "job-events", "job-status-events", "output-events", "reassembly")
BACKLOGS = {f"backlog:{key}" for key in (*QUEUES, "video-worker")}
DESCRIBED = ({"preflight-proposal"}, ALL_CHECKS, {"tag", "keep"})
# What turns unknown, what is no longer said, and of what no plan is made.
CHANGES: dict[tuple[str, str], tuple[set[str], set[str], set[str]]] = {
    ("capacity", "application-autoscaling:DescribeScalableTargets"): (
        {"at-maximum-capacity"},
        EVERY | BOUNDS,
        {"count", "maximum"},
    ),
    ("capacity", "application-autoscaling:DescribeScalingActivities"): (set(), set(), set()),
    ("capacity", "application-autoscaling:DescribeScalingPolicies"): ({"backlog-scales-nothing"}, EVERY, set()),
    ("capacity", "cloudwatch:GetMetricData"): (set(), set(), set()),
    ("capacity", "ecs:DescribeServices"): (WORKERS, EVERY | BOUNDS | {"services"}, {"count", "maximum"}),
    ("capacity", "ecs:ListServices"): (WORKERS, EVERY | BOUNDS | {"services"}, {"count", "maximum"}),
    ("capacity", "ecs:DescribeTasks"): ({"stopped-tasks"}, set(), set()),
    ("capacity", "ecs:ListTasks"): ({"stopped-tasks"}, set(), set()),
    ("capacity", "logs:DescribeLogGroups"): ({"visibility-timeout"}, set(), set()),
    ("capacity", "logs:StartQuery"): ({"visibility-timeout"}, set(), set()),
    ("capacity", "logs:GetQueryResults"): ({"visibility-timeout"}, set(), set()),
    ("capacity", "sagemaker:DescribeEndpoint"): (set(), BOUNDS, set()),
    ("capacity", "sqs:GetQueueAttributes"): (
        BACKLOGS,
        EVERY | {"visibility-timeout"},
        {"timeout"},
    ),
    ("capacity", "sqs:GetQueueUrl"): (set(), set(), set()),
    ("endpoint", "cloudwatch:DescribeAlarms"): ({"endpoint-alarms"}, set(), set()),
    ("endpoint", "cloudwatch:GetMetricData"): ({"endpoint-backlog", "preflight-backlog"}, set(), set()),
    ("endpoint", "codebuild:BatchGetBuilds"): ({"endpoint-build", "preflight-build"}, set(), {"tag"}),
    ("endpoint", "codebuild:ListBuildsForProject"): ({"endpoint-build", "preflight-build"}, set(), {"tag"}),
    ("endpoint", "ecr:DescribeImages"): (
        {"endpoint-image", "endpoint-stub", "preflight-proposal"},
        ALL_CHECKS,
        {"tag", "keep"},
    ),
    ("endpoint", "logs:FilterLogEvents"): ({"endpoint-stub"}, set(), set()),
    ("endpoint", "sagemaker:DescribeEndpoint"): (
        {"endpoint", "endpoint-stub", "endpoint-orphans"} | DESCRIBED[0],
        ALL_CHECKS | {"endpoint-image"},
        {"tag", "keep"},
    ),
    ("endpoint", "sagemaker:DescribeEndpointConfig"): (
        {"endpoint-orphans"} | DESCRIBED[0],
        DESCRIBED[1],
        DESCRIBED[2],
    ),
    ("endpoint", "sagemaker:DescribeModel"): DESCRIBED,
    ("endpoint", "sagemaker:ListTags"): DESCRIBED,
    ("endpoint", "sagemaker:ListEndpointConfigs"): ({"endpoint-orphans"}, set(), set()),
    ("endpoint", "sagemaker:ListEndpoints"): ({"endpoint-orphans"}, set(), set()),
    ("endpoint", "sagemaker:ListModels"): ({"endpoint-orphans"}, set(), set()),
}
CASES = [(look, operation, kind) for look, operation in CHANGES for kind in KINDS]
# One way each in the short run; throttled and timed out wait for botocore's retries.
SHORT = [case for case in CASES if case[2] == "denied"]


@cache
def well(aws: Aws, look: str) -> Told:
    return LOOKS[look](aws)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insights, "FIRST_PAUSE_S", 0.0)


@pytest.mark.parametrize("environment", ["recording-newest"], indirect=True)
@pytest.mark.parametrize(("look", "operation", "kind"), CASES if PROVE else SHORT)
def test_unknown_exactly_where_it_could_change_the_answer(
    aws: Aws, faults: tuple[dict[str, str], Counter[str]], look: str, operation: str, kind: str
) -> None:
    before, (unknown, unsaid, unplanned) = well(aws, look), CHANGES[look, operation]
    faults[0][operation] = kind
    now = LOOKS[look](aws)
    new = {name: said for name, said in now.findings.items() if said != before.findings.get(name)}
    changed = {name: severity for name, (severity, _) in new.items()}
    assert changed == dict.fromkeys(unknown, "unknown")
    assert set(before.findings) - set(now.findings) <= unsaid
    assert before.plans - now.plans == unplanned


@pytest.mark.parametrize("environment", ["recording-newest"], indirect=True)
def test_every_operation_that_is_asked_is_walked(aws: Aws, faults: Any) -> None:
    for look in LOOKS:
        faults[1].clear()
        LOOKS[look](aws)
        asked = {one for one in faults[1] if not one.startswith("sts:")}
        assert asked <= {operation for of, operation in CHANGES if of == look}
