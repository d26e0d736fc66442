"""Every operation that is used, each in turn denied, throttled, timed out, answered with garbage.

No false ok, no exception, the reason on the page, and unknown exactly where the missing answer could change the
verdict: for each operation the verdicts that must turn unknown are written down here, all others must stand.

A recording stands still, so what its server has answered once is answered again from here: the real answers, through
the real parser. And one look without an operation is what all tests about that operation look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session

from ops_lib.aws import Aws, connect
from ops_lib.decide.findings import Finding, status_of
from ops_lib.decide.fleet import Fleet, without_upload
from ops_lib.decide.fleet_findings import fleet_findings
from ops_lib.decide.pipeline import pipeline_findings
from ops_lib.decide.stuck_job import judge
from ops_lib.decide.verdict import Verdict
from ops_lib.gathered import Gathered
from ops_lib.read.one_job import read_job
from ops_lib.read.pipeline import PipelineReads
from ops_lib.settings import open_settings
from ops_lib.show import tables
from tests import faults as injected
from tests.conftest import ENVIRONMENTS, VERSION
from tests.counts import PROVE
from tests.faults import KINDS
from tests.recorded import recording

Rules = tuple[dict[str, str], Counter[str]]

USED = {
    "dynamodb:GetItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "s3:GetObject",
    "s3:ListObjectsV2",
    "s3:GetBucketNotificationConfiguration",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "ecs:ListServices",
    "ecs:DescribeServices",
    "ecs:ListTasks",
    "ecs:DescribeTasks",
    "ecs:DescribeTaskDefinition",
    "application-autoscaling:DescribeScalableTargets",
    "sagemaker:DescribeEndpoint",
    "cloudwatch:GetMetricData",
    "cloudwatch:DescribeAlarms",
    "logs:DescribeLogGroups",
    "logs:StartQuery",
    "logs:GetQueryResults",
    "logs:GetLogEvents",
}
# There is no such table before inference-invocations, and so no failure to look up.
ONLY_NEWEST = {"dynamodb:Scan", "s3:GetObject"}
# An empty answer is a legal one here: GetItem without an item says that there is none.
EMPTY_IS_AN_ANSWER = {"dynamodb:GetItem"}
# No rule at all: nobody is told of new objects, which is a finding.
EMPTY_IS_A_FINDING = {"s3:GetBucketNotificationConfiguration": "notifications-overlap"}
# Insights refused: FilterLogEvents answers instead, and everything is read all the same.
HAS_A_FALLBACK = {("logs:StartQuery", "denied"), ("logs:GetQueryResults", "denied")}

# Which recorded verdicts cannot be told without an operation; all others must stand. By name of the true verdict.
EVERYTHING = {
    "completed",
    "trigger-never-ran",
    "completion-event-dead-lettered",
    "reassembly-died",
    "segments-in-progress",
    "inference-refused",
}
PROCESSED = EVERYTHING - {"completed"}
TURNS_UNKNOWN: dict[str, set[str]] = {
    "dynamodb:GetItem": EVERYTHING,
    "dynamodb:Query": PROCESSED,
    "s3:ListObjectsV2": EVERYTHING,
    # Dead letters, what still waits, how long a retry may take. The youngest job is young whatever they say.
    # Without its visibility timeout (12 hours at the most) no queue says how long a lock is young (F49).
    "sqs:GetQueueAttributes": {
        "completion-event-dead-lettered",
        "inference-refused",
        "trigger-never-ran",
        "reassembly-died",
    },
    "sqs:GetQueueUrl": {"completion-event-dead-lettered"},
    "ecs:ListTasks": set(),
    "sagemaker:DescribeEndpoint": {"inference-refused"},
    "logs:DescribeLogGroups": {"completion-event-dead-lettered", "reassembly-died", "inference-refused"},
    "logs:StartQuery": {"completion-event-dead-lettered", "reassembly-died", "inference-refused"},
    "logs:GetQueryResults": {"completion-event-dead-lettered", "reassembly-died", "inference-refused"},
}


# In the short run each operation fails in every second way in the newest version, so that two neighbours together see
# all; the older version is read by the same code: one way each.
CASES = [
    (environment, operation, kind)
    for environment in ENVIRONMENTS
    for number, operation in enumerate(sorted(USED))
    for place, kind in enumerate(KINDS)
    if PROVE or (VERSION[environment] == "newest" and (number + place) % 2 == 0) or place == number % len(KINDS)
]


@dataclass(frozen=True)
class Look:
    """What one whole look at an environment came to, and the requests it made by operation."""

    verdicts: dict[str, Verdict]
    findings: tuple[Finding, ...]
    unread: dict[str, str]
    page: str
    asked: Counter[str]


def look(aws: Aws, asked: Counter[str]) -> Look:
    now = aws.settings.now()
    reads = PipelineReads(aws, now)
    pipeline = reads.pipeline()
    fleet = Fleet(pipeline, reads.sources(without_upload(pipeline, now)), now)
    listed = reads.jobs(fleet.to_judge(20))
    jobs = {job: read_job(aws, job, now) for job in recording(VERSION[aws.settings.environment])["job_verdicts"]}
    gathered: list[Gathered] = [pipeline, *jobs.values()]
    findings = (
        *pipeline_findings(pipeline, 3600),
        *fleet_findings(fleet, {job: judge(evidence, now) for job, evidence in listed.items()}),
    )
    unread = {name: part for each in gathered for name, part in each.unread().items()}
    verdicts = {job: judge(evidence, now) for job, evidence in jobs.items()}
    cards = "".join(tables.verdict_card(verdict, job) for job, verdict in verdicts.items())
    page = tables.status_card(findings, unread) + tables.findings_table(findings) + tables.unread_table(unread) + cards
    return Look(verdicts, findings, {name: part.reason for name, part in unread.items()}, page, asked)


ANSWERS: dict[tuple[str, str, bytes], tuple[int, Any, bytes]] = {}


@contextmanager
def answered_once() -> Iterator[None]:
    """Send each request to the server once; a query is asked for its result until it has one."""
    original = URLLib3Session.send

    def sent(self: Any, request: Any) -> AWSResponse:
        key = (request.method + request.url, str(request.headers.get("X-Amz-Target")), bytes(request.body or b""))
        if key not in ANSWERS:
            got = original(self, request)
            answer = (got.status_code, got.headers, got.content)
            if any(state in got.content for state in (b'"Running"', b'"Scheduled"')):
                return got
            ANSWERS[key] = answer
        status, headers, body = ANSWERS[key]
        return AWSResponse(request.url, status, headers, injected.Raw(body))

    URLLib3Session.send = sent
    try:
        yield
    finally:
        URLLib3Session.send = original


@cache
def clients(environment: str) -> Aws:
    return connect(open_settings(environment))


@cache
def look_without(environment: str, operation: str, kind: str) -> Look:
    aws = clients(environment)
    with answered_once(), injected.faults() as (rules, asked):
        rules[operation] = kind
        return look(aws, asked)


@pytest.fixture(autouse=True)
def retries_do_not_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda seconds: None)


def used(environment: str) -> set[str]:
    return USED if VERSION[environment] == "newest" else USED - ONLY_NEWEST


def truth(environment: str) -> dict[str, str]:
    verdicts: dict[str, str] = recording(VERSION[environment])["job_verdicts"]
    return verdicts


def test_the_walk_covers_every_operation_that_is_used(aws: Aws, faults: Rules) -> None:
    clean = look(aws, faults[1])
    assert set(faults[1]) == used(aws.settings.environment)
    assert {job: verdict.name for job, verdict in clean.verdicts.items()} == truth(aws.settings.environment)
    assert not clean.unread


@pytest.mark.parametrize(("environment", "operation", "kind"), CASES)
def test_without_one_operation(environment: str, operation: str, kind: str) -> None:
    found = look_without(environment, operation, kind)
    if operation not in used(environment):
        assert not found.asked[operation]
        return
    if kind == "empty" and operation in EMPTY_IS_AN_ANSWER:
        assert {verdict.name for verdict in found.verdicts.values()} == {"no-such-job"}
        return
    if kind == "empty" and operation in EMPTY_IS_A_FINDING:
        assert {f.severity for f in found.findings if f.id == EMPTY_IS_A_FINDING[operation]} == {"critical"}
        return
    if (operation, kind) in HAS_A_FALLBACK:
        assert found.asked["logs:FilterLogEvents"] > 0
    assert found.unread
    assert any(reason[:40] in found.page for reason in found.unread.values())
    assert status_of(found.findings) in ("critical", "unknown")
    for job, verdict in found.verdicts.items():
        assert_stands_or_is_unknown(operation, kind, truth(environment)[job], verdict)


def assert_stands_or_is_unknown(operation: str, kind: str, name: str, verdict: Verdict) -> None:
    if (operation, kind) in HAS_A_FALLBACK:
        assert verdict.name == name
    elif name in TURNS_UNKNOWN.get(operation, set()):
        assert verdict.name == "unknown", f"{name} cannot be told without {operation}"
        assert verdict.severity == "unknown"
        assert "trigger" not in verdict.safe_actions
        assert "reset-lock-and-trigger" not in verdict.safe_actions
    else:
        assert verdict.name == name, f"{operation} cannot change {name}"


CHECKED_BY = {
    "dead-letters": "sqs:GetQueueAttributes",
    "services": "ecs:DescribeServices",
    "stopped-tasks": "ecs:DescribeTasks",
    "alarms": "cloudwatch:DescribeAlarms",
    "endpoint": "sagemaker:DescribeEndpoint",
    "stuck-jobs": "dynamodb:Query",
    "worker-lines": "logs:StartQuery",
}


CHECKED = [
    (environment, check, operation, kind)
    for environment, operation, kind in CASES
    for check, by in CHECKED_BY.items()
    if by == operation
]


@pytest.mark.parametrize(("environment", "check", "operation", "kind"), CHECKED)
def test_no_check_says_ok_about_what_it_did_not_read(environment: str, check: str, operation: str, kind: str) -> None:
    found = look_without(environment, operation, kind)
    assert not [f for f in found.findings if f.id == check and f.severity == "ok"]
    about = [f for f in found.findings if f.severity == "unknown"]
    assert about
    assert any(f.evidence and f.next_step for f in about)


def test_everything_denied_is_unknown_and_says_so(aws: Aws, faults: Rules) -> None:
    faults[0].update(dict.fromkeys([*USED, "logs:FilterLogEvents"], "denied"))
    found = look(aws, faults[1])
    assert status_of(found.findings) == "unknown"
    assert not [f for f in found.findings if f.severity in ("ok", "critical")]
    assert {verdict.name for verdict in found.verdicts.values()} == {"unknown"}
    assert found.page.count("fault on purpose") > 10


def test_throttled_once_is_retried_and_nothing_is_unread(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.faults import answer, operation_of

    original, throttled = URLLib3Session.send, set[str]()

    def once(self: object, request: object) -> object:
        operation = operation_of(request)
        if operation not in throttled:
            throttled.add(operation)
            return answer(request, "throttled")
        return original(self, request)

    monkeypatch.setattr(URLLib3Session, "send", once)
    found = look(aws, Counter())
    assert throttled == used(aws.settings.environment)
    assert not found.unread
    assert {job: verdict.name for job, verdict in found.verdicts.items()} == truth(aws.settings.environment)
