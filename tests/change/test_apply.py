"""`ops apply` against a living sandbox: what it does, in which order, and everything it refuses to begin with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ops_lib.change import store
from ops_lib.change.plan import Plan
from tests.change import plans
from tests.change.stage import ROOT, Stage

RESPONDER = "arn:aws:sts::123456789012:assumed-role/stereo-spot-ops-responder/sandbox"
CHANGES = ("dynamodb:PutItem", "dynamodb:UpdateItem", "sqs:SendMessage", "s3:PUT")


def sent(at: Stage) -> list[str]:
    return [one for one in at.seen if one in CHANGES]


def edited(plan: Plan, at: Stage, **other: Any) -> Any:
    """Return the file of the plan, changed by hand after the review."""
    path = store.write(plan, at.settings)
    content = json.loads(path.read_text()) | other
    path.write_text(json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    return path


# What it does.


def test_a_plan_is_applied_and_the_job_completes(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    ran = at.apply(plan, "--wait", "20")
    assert ran.exit == 0, ran.stderr
    assert [one["event"] for one in ran.events] == ["start", "step", "step", "outcome"]
    assert ran.events[0] == {"event": "start", "plan": plan.id, "steps": 2, "open_intents": []}
    assert [(one["number"], one["title"], one["state"]) for one in ran.events[1:3]] == [
        (1, "put the lock", "done"),
        (2, "send the message", "done"),
    ]
    assert (ran.outcome["state"], ran.outcome["done"], ran.outcome["verified"]) == ("done", 2, "verified")
    assert ran.outcome["words"].startswith("2 of 2 steps done. Verified after ")
    assert at.status(job) == "completed"
    assert sent(at) == ["dynamodb:PutItem", "sqs:SendMessage"]
    assert at.kinds(plan) == ["plan", "intent 1", "outcome 1 done", "intent 2", "outcome 2 done", "note"]
    about, intent, outcome = [one for one in at.entries() if one.plan_id == plan.id][:3]
    wanted = {"who": RESPONDER, "reason": plan.reason, "code": plan.code, "title": "trigger"}
    assert wanted.items() <= about.facts.items()
    assert intent.facts["call"]["arguments"] == plan.steps[0].call.arguments
    assert outcome.facts["request_id"]
    assert ran.outcome["journal"]["entries"] == len(at.entries())
    assert ran.outcome["journal"]["head"] == f"{len(at.entries())}:{at.entries()[-1].hash}"

    again = at.apply(plan)
    assert again.exit == 0
    assert again.states == ["already-done", "already-done"]
    assert again.outcome["words"].startswith("Every step was done before; nothing was sent.")
    assert sent(at) == []
    assert again.outcome["journal"] == ran.outcome["journal"]


def test_the_intent_is_durable_before_the_call_and_the_outcome_after_it(at: Stage, job: str) -> None:
    at.hand("stale", job=job)
    at.apply(plans.set_completed(at.settings, job))
    place = at.seen.index("dynamodb:UpdateItem")
    assert at.seen[place - 1 : place + 2] == ["journal", "dynamodb:UpdateItem", "journal"]
    assert at.seen[0] == "sts:GetCallerIdentity"


def test_the_real_command_for_a_person(at: Stage) -> None:
    """No starter, no hooks: the program as it is installed, without --json, the code as somebody types it."""
    job = at.job("output-done-status-stale")
    at.hand("stale", job=job)
    plan = plans.set_completed(at.settings, job)
    path = store.write(plan, at.settings)
    assert path.stat().st_mode & 0o777 == 0o600
    words = [sys.executable, "-m", "ops_lib", "apply", str(path), "--code", f" {plan.code.lower()} "]
    variables = {"OPS_STATE": str(at.root), "OPS_PARAMETERS": str(at.root)}
    done = subprocess.run(words, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"applying plan {plan.id}, 1 step"
    assert lines[1] == "  1. done  set completed: AWS confirmed it"
    assert lines[2] == "done: 1 of 1 step done. Whether it helped was not asked: run the notebook again."
    assert lines[3].startswith("journal: ")
    assert at.status(job) == "completed"


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_whoever_listened_may_go_away_what_has_begun_ends_and_is_written_down(at: Stage, more: list[str]) -> None:
    job = at.job("output-done-status-stale")
    at.hand("stale", job=job)
    plan = plans.set_completed(at.settings, job)
    words = [sys.executable, "-m", "ops_lib", "apply", str(store.write(plan, at.settings)), "--code", plan.code, *more]
    variables = {"OPS_STATE": str(at.root), "OPS_PARAMETERS": str(at.root)}
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        done = subprocess.run(
            words, cwd=ROOT, env=os.environ | variables, stdout=gone, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert at.status(job) == "completed"
    assert at.kinds(plan) == ["plan", "intent 1", "outcome 1 done", "note"]


def test_what_is_not_yet_verified_is_said_and_is_no_failure(at: Stage) -> None:
    job = at.job("failed-but-complete")
    never = plans.row("status", job, "Item.status.S", "a status of another world")
    total = plans.row("total", job, "Item.total_segments.N", "6")
    plan = plans.trigger(at.settings, job, verified_by=(never, total))
    step = plan.steps[0]
    as_failed = replace(step.conditions[0], expected="failed")
    plan = replace(plan, steps=(replace(step, conditions=(as_failed, *step.conditions[1:])), plan.steps[1]))
    ran = at.apply(plan, "--wait", "1.5")
    assert ran.exit == 0
    assert ran.outcome["verified"] == "not-yet"
    assert [one["what"] for one in ran.outcome["differs"]] == ["status"]
    assert "Not verified yet after 1 s (status: expected 'a status of another world', found '" in ran.outcome["words"]


# What it does not begin with: exit 64, nothing sent, nothing written.


def refused_at_once(at: Stage, plan: Plan, *more: str, **how: Any) -> str:
    before = len(at.entries())
    ran = at.apply(plan, *more, **how)
    assert (ran.exit, ran.stdout, sent(at)) == (64, "", [])
    assert len(at.entries()) == before
    assert "Traceback" not in ran.stderr
    assert ran.stderr.count("\n") == 1
    return ran.stderr


def test_a_wrong_code(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    other = "0" * 6 if plan.code != "0" * 6 else "1" * 6
    said = refused_at_once(at, plan, code=other)
    assert said.startswith(f"WrongCode: --code: got '{other}'; it is not the code of the plan 'trigger'")
    assert at.seen == []  # not even STS was asked


def test_no_code_at_all(at: Stage, job: str) -> None:
    assert at.apply(plans.trigger(at.settings, job), code=" ").exit == 64


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(minutes=30, seconds=2), "a plan may be applied for 30 minutes"),
        (timedelta(minutes=-6), "a clock is wrong"),
    ],
)
def test_an_expired_plan_and_one_from_the_future(at: Stage, job: str, age: timedelta, words: str) -> None:
    plan = plans.trigger(at.settings, job, now=plans.now() - age)
    said = refused_at_once(at, plan)
    assert said.startswith("PlanExpired: ")
    assert words in said
    assert "sts:GetCallerIdentity" not in at.seen


def test_a_plan_that_a_newer_review_has_replaced_until_it_is_written_again(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    wrong = plans.row("status", job, "Item.status.S", "never")
    plan = replace(plan, steps=(replace(plan.steps[0], conditions=(wrong,)),))
    path = store.write(plan, at.settings)
    store.outdate(plan, at.settings, "its cell was run again")
    said = refused_at_once(at, plan, path=path)
    assert said.startswith("PlanOutdated: plan: got 'trigger'; its cell was run again; nothing was sent. Next: apply ")
    assert "sts:GetCallerIdentity" not in at.seen
    assert at.apply(plan).states == ["refused"], "it was written again: it is the plan to apply"


def test_a_plan_nearly_half_an_hour_old_is_applied(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job, now=plans.now() - timedelta(minutes=29, seconds=30))
    wrong = plans.row("status", job, "Item.status.S", "never")
    plan = replace(plan, steps=(replace(plan.steps[0], conditions=(wrong,)),))
    assert at.apply(plan).states == ["refused"]


def test_an_edited_file_has_another_code(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    assert refused_at_once(at, plan, path=edited(plan, at, reason="another")).startswith("WrongCode: ")


def test_an_edited_argument_has_another_code(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    path = store.write(plan, at.settings)
    path.write_bytes(path.read_bytes().replace(job.encode(), job[::-1].encode(), 1))
    assert refused_at_once(at, plan, path=path).startswith("WrongCode: ")


@pytest.mark.parametrize("text", [b"", b"{}", b"not JSON", b"[]", b'{"steps": 3}', b"\xff\xfe"])
def test_no_plan(at: Stage, job: str, text: bytes) -> None:
    path = at.root / "some.json"
    path.write_bytes(text)
    said = refused_at_once(at, plans.trigger(at.settings, job), path=path)
    assert said.startswith(f"BadPlanFile: plan file: got '{path}'; it is no plan of ours")


def test_a_plan_written_otherwise_than_plans_are_written(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    path = store.write(plan, at.settings)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1))
    assert "somebody has edited it" in refused_at_once(at, plan, path=path)


def test_no_such_file_and_no_step(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    assert "it cannot be read" in refused_at_once(at, plan, path=at.root / "absent.json")
    assert "it has no step" in refused_at_once(at, replace(plan, steps=()))


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("account_id", "210987654321", "account of the environment"),
        ("region", "eu-west-1", "region of the environment"),
        ("environment", "production", "environment"),
    ],
)
def test_a_plan_for_another_place(at: Stage, job: str, field: str, value: str, what: str) -> None:
    said = refused_at_once(at, replace(plans.trigger(at.settings, job), **{field: value}))
    assert said.startswith(f"WrongAccount: {what}: got '")
    assert f"the plan was made for {value}; nothing was sent" in said
    assert at.seen == []


def test_an_environment_that_there_is_not(at: Stage, job: str) -> None:
    said = refused_at_once(at, plans.trigger(at.settings, job), "-e", "nowhere")
    assert said.startswith("BadEnvironment: environment: got 'nowhere'")


# Writing the file.


def test_writing_again_is_the_same_file_and_leaves_nothing_else(at: Stage, job: str) -> None:
    plan = plans.trigger(at.settings, job)
    path = store.write(plan, at.settings)
    assert store.write(plan, at.settings) == path == at.settings.state / "plans" / f"{plan.id}.json"
    assert path.read_bytes() == plan.canonical() + b"\n"
    assert [one.name for one in path.parent.iterdir() if one.name.startswith(".")] == []
    assert store.read(path, plan.code) == plan


def test_a_write_that_fails_leaves_no_half_file(at: Stage, job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plans.trigger(at.settings, job, reason="fails")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.write(plan, at.settings)
    folder = at.settings.state / "plans"
    assert not [one for one in folder.iterdir() if plan.id in one.name]
