"""A needed action taken out of a policy breaks what needs it, and the run says which: enforced by the sandbox.

tests/test_iam_policies.py holds the other way: an action that nothing calls is flagged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ops_lib.errors import SandboxFailed
from ops_lib.sandbox import processes
from ops_lib.sandbox.actions import action_of
from ops_lib.show.doctor import examine
from tests import forked
from tests.counts import PROVE
from tests.sandbox.running import running
from tests.test_iam_policies import READING, ROOT, actions, policy, several

NAME = "sandbox-lacking"
LEASE = ("sqs:ChangeMessageVisibility", "sqs:ListDeadLetterSourceQueues", "sqs:ReceiveMessage")
# What a run goes on without: the banner says "not known", AWS's default quotas are taken, a query runs on.
GOES_ON = {"iam:SimulatePrincipalPolicy", "logs:StopQuery", "servicequotas:ListServiceQuotas"}
READS = sorted(actions("reader") - GOES_ON - set(LEASE))
# Asked independently of each other.
AT_ONCE = (
    *("application-autoscaling:DescribeScalableTargets", "cloudwatch:DescribeAlarms", "dynamodb:Scan"),
    *("ecs:ListServices", "s3:GetBucketNotification", "sagemaker:DescribeModel", "ecr:DescribeImages"),
    *("sqs:ListMessageMoveTasks", "codebuild:BatchGetBuilds", "logs:GetLogEvents"),
)


# A role of the responder's own steps down to the reader by hand; no code of ours does.
BY_HAND = {"sts:AssumeRole"}
# What AWS asks for where it is more than the operation's own name: a role and tags of a model, both sides of a copy.
ACTIONS_OF = {
    "sagemaker:CreateModel": {"sagemaker:CreateModel", "iam:PassRole", "sagemaker:AddTags"},
    "s3:CopyObject": {"s3:GetObject", "s3:PutObject"},
}


def without(name: str, *gone: str) -> dict[str, Any]:
    """Return a committed policy without these actions."""
    left = [
        one | {"Action": kept}
        for one in policy(name)["Statement"]
        if (kept := [action for action in several(one["Action"]) if action not in gone])
    ]
    return policy(name) | {"Statement": left}


@pytest.fixture(scope="module")
def lacking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("lacking")
    options = ("--jobs", "5", "--speed", "0", "--incident", "test-event")
    with pytest.MonkeyPatch.context() as patch, running(root, NAME, *options):
        patch.setenv("OPS_STATE", str(root))
        yield root


def told(*gone: str) -> tuple[list[str], int]:
    """Return what doctor finds amiss while the reader lacks these actions, and its exit code."""
    processes.ask(NAME, "policy", {"role": "reader", "policy": without("reader", *gone)})
    try:
        lines, code = examine(NAME)
    finally:
        processes.ask(NAME, "policy", {"role": "reader", "policy": None})
    return [text for severity, text in lines if severity == "unknown"], code


@pytest.mark.parametrize("gone", [(action,) for action in READS] if PROVE else [AT_ONCE], ids=str)
def test_a_read_that_is_not_allowed_is_said_by_its_action(lacking: Path, gone: Sequence[str]) -> None:
    lines, code = told(*gone)
    assert code == 3
    for action in gone:
        assert [line for line in lines if f"add {action} to the reader role" in line], action


def test_what_is_no_policy_changes_none_and_with_the_committed_one_nothing_is_amiss(lacking: Path) -> None:
    for asked in ({"role": "nobody", "policy": None}, {"role": "reader", "policy": {"x": 1}}):
        with pytest.raises(SandboxFailed, match="refuses"):
            processes.ask(NAME, "policy", asked)
    assert told() == ([], 0)


@pytest.mark.skipif(not PROVE, reason="of the long run")
@pytest.mark.parametrize("action", LEASE)
def test_a_look_that_is_not_allowed_is_unread(lacking: Path, tmp_path: Path, action: str) -> None:
    processes.ask(NAME, "policy", {"role": "reader", "policy": without("reader", action)})
    try:
        words = ["run", "1_dead_letters", "-e", NAME, "-p", "inspect=true", "--output", tmp_path]
        done = forked.run("ops", words)
    finally:
        processes.ask(NAME, "policy", {"role": "reader", "policy": None})
    unread = json.loads((tmp_path / "findings.json").read_text("utf-8"))["unread"]
    assert done.returncode in (2, 3), done.stdout + done.stderr
    assert [one for one in unread if f"add {action} to the reader role" in one["next_step"]], unread


def changing_calls() -> set[str]:
    """Return every operation that a plan, or what carries letters, names as a call in the library's source."""
    found = set()
    for part in ("decide", "change"):
        for file in (ROOT / "ops_lib" / part).rglob("*.py"):
            named = re.findall(r"""\bCall\(\s*"([a-z0-9-]+)", f?"(\w+?)(\{kind\})?\"""", file.read_text("utf-8"))
            for service, name, kind in named:
                found |= {f"{service}:{name}{one}" for one in (("EndpointConfig", "Model") if kind else ("",))}
    return found


def test_the_responder_may_besides_reading_exactly_what_the_plans_call() -> None:
    needed = set[str]().union(*(ACTIONS_OF.get(call, {action_of(call)}) for call in changing_calls()))
    own = actions("responder") - actions("reader")
    assert own - needed - BY_HAND == set(), "no plan calls it: take it out of deploy/iam/responder.json"
    assert {one for one in needed if not READING.fullmatch(one)} - actions("responder") == set(), "add it there"
