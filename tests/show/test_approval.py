"""Approving a plan as a person does: traits are set and read, `ops apply` is a stand-in that only speaks."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from ops_lib.change import store
from ops_lib.change.plan import Letter, plan_from
from ops_lib.errors import PlanOutdated
from ops_lib.show import applying, approval
from ops_lib.show.approval import Approval
from tests.show.plans import HOSTILE, plan, settings

STAND_IN = Path(__file__).parent / "stand_in_apply.py"
Open = Callable[..., Approval]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open the desk for a plan; pressing Apply starts the stand-in with a scenario."""
    made: list[Approval] = []
    scenarios: dict[Path, str] = defaultdict(lambda: "hostile")

    def begin(scenario: str = "done", purges: int = 0, **words: str) -> Approval:
        def command(path: Path, code: str, environment: str, count: str = "none") -> list[str]:
            return [sys.executable, str(STAND_IN), scenarios[path], f"--code={code}", f"--count={count}"]

        monkeypatch.setattr(approval, "command", command)
        shown, kept = plan(**words), []
        if purges:
            letters = tuple(Letter("http://sqs/dlq", f"m{number}", "5d41") for number in range(purges))
            shown = replace(shown, steps=(replace(shown.steps[0], letters=letters),))
        here = settings(tmp_path)
        desk = Approval(shown, store.write(shown, here), here, kept.append)
        scenarios[desk.path] = scenario
        desk.kept = kept  # type: ignore[attr-defined]
        made.append(desk)
        return desk

    yield begin
    for desk in made:
        if desk.applying and not desk.applying.wait(0):
            desk.applying._process.kill()
            desk.applying.wait(10)


def press(desk: Approval) -> None:
    desk.code.value = desk.plan.code
    desk.apply.click()
    assert desk.applying
    assert desk.applying.wait(20)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert true()


def test_the_button_opens_for_this_plans_code_alone(opened: Open) -> None:
    desk = opened()
    assert desk.plan.code in desk.head.value
    assert desk.apply.disabled
    for wrong in ("", " ", "ZZZZZZ", desk.plan.code[:-1], desk.plan.code + "0", "'; rm -rf /", "\0"):
        desk.code.value = wrong
        assert desk.apply.disabled
        assert ("not the code of this plan" in desk.hint.value) == bool(wrong.strip())
    for right in (desk.plan.code, f" {desk.plan.code.lower()} "):
        desk.code.value = right
        assert not desk.apply.disabled
        assert desk.hint.value == ""


def test_code_expiry_place_and_command_are_said(opened: Open) -> None:
    desk = opened()
    for said in (desk.plan.code, "03:37 UTC", "2026-02-20", "sandbox-mine, account 123456789012, us-east-1"):
        assert said in desk.head.value
    assert f"ops apply {desk.path} --code {desk.plan.code} -e sandbox-mine" in desk.by_hand.value
    assert plan_from(desk.path.read_bytes()) == desk.plan


def test_a_purge_asks_for_how_many_letters_it_deletes_besides_the_code(opened: Open) -> None:
    desk = opened(purges=12)
    assert desk.count in desk.widget.children[2].children
    assert "how many dead letters it deletes" in desk.head.value
    assert "--count N" in desk.by_hand.value
    assert "12" not in desk.by_hand.value.rpartition("--count")[2], "nobody pastes what is to be typed"
    desk.code.value = desk.plan.code
    for wrong in ("", "1", "120", "twelve"):
        desk.count.value = wrong
        assert desk.apply.disabled
        assert ("not how many letters" in desk.hint.value) == bool(wrong)
    desk.count.value = " 12 "
    assert not desk.apply.disabled
    desk.code.value = ""
    assert desk.apply.disabled
    desk.code.value = desk.plan.code
    desk.apply.click()
    assert desk.applying
    assert desk.applying.wait(20)
    assert "--count= 12 " in " ".join(desk.applying._process.args)  # type: ignore[arg-type]
    assert (desk.code.value, desk.count.value) == ("", "")


def test_any_other_plan_asks_for_no_count(opened: Open) -> None:
    desk = opened()
    assert desk.count not in desk.widget.children[2].children
    assert "--count" not in desk.by_hand.value + desk.head.value


def test_another_reason_is_another_plan_with_another_code_and_file(opened: Open) -> None:
    desk = opened()
    assert desk.reason.value == desk.plan.reason
    old_plan, old_path = desk.plan, desk.path
    desk.code.value = old_plan.code
    desk.reason.value = "the customer called,  twice\n"
    assert desk.plan.reason == "the customer called, twice"
    assert desk.plan.code != old_plan.code
    assert old_plan.code not in desk.head.value
    assert desk.plan.code in desk.head.value
    assert desk.path != old_path
    assert f"{desk.path} --code {desk.plan.code} " in desk.by_hand.value
    assert plan_from(desk.path.read_bytes()) == desk.plan
    for said in ("is not applied any more", old_plan.code, str(old_path)):
        assert said in desk.by_hand.value
    with pytest.raises(PlanOutdated, match=f"the plan with the code {desk.plan.code} replaced it"):
        store.require_current(old_plan, desk.settings)
    store.require_current(desk.plan, desk.settings)
    assert desk.code.value == ""
    desk.code.value = old_plan.code
    assert desk.apply.disabled
    assert (desk.plan.now, desk.plan.steps) == (old_plan.now, old_plan.steps)


def test_a_plan_without_a_reason_there_is_not(opened: Open) -> None:
    desk = opened()
    desk.reason.value = "  "
    assert desk.reason.value == desk.plan.reason
    assert "needs a reason" in desk.hint.value


def test_applied_is_said_in_green_with_the_journals_head(opened: Open) -> None:
    desk = opened("done")
    press(desk)
    told = desk.told.value
    assert '<div class="verdict ok">' in told
    for said in (
        "Applied.",
        "2 steps: 2 done.",
        "the lock was put",
        "4 entries",
        "5f3a" * 16,
        "under &quot;Did it work?&quot;",
    ):
        assert said in told
    assert desk.apply.disabled
    assert desk.code.disabled
    assert desk.reason.disabled
    assert desk.stop.disabled
    assert desk.kept[-1].startswith("<details>")  # type: ignore[attr-defined]
    assert "Applied." in desk.kept[-1]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("scenario", "colour", "says", "next_step"),
    [
        ("refused", "critical", "Refused", "again from the top"),
        ("failed", "critical", "Failed", "press Apply again"),
        ("unknown", "unknown", "Not known", "press Apply again"),
        ("not-attempted", "critical", "Stopped", "press Apply again"),
        ("killed", "unknown", "It broke off", "press Apply again"),
        ("lies", "unknown", "It broke off", "press Apply again"),
        ("wrong-code", "critical", "Not applied: nothing has been changed", "again from the top"),
    ],
)
def test_every_other_end_says_what_and_what_next_and_is_never_green(
    opened: Open, scenario: str, colour: str, says: str, next_step: str
) -> None:
    desk = opened(scenario)
    press(desk)
    told = desk.told.value
    assert f'<div class="verdict {colour}">' in told
    assert '<div class="verdict ok">' not in told
    assert says in told
    assert next_step in told
    assert not desk.code.disabled
    assert desk.apply.disabled  # until the code is typed once more
    desk.code.value = desk.plan.code
    assert not desk.apply.disabled
    if scenario == "killed":
        assert told.index(">done<") < told.index('<td><span class="badge unknown">unknown</span></td><td>2</td>')
    if scenario not in ("killed", "lies", "wrong-code"):
        assert f"words of {scenario}" in told
    if scenario == "wrong-code":
        assert "it is not this plan&#x27;s" in told
        assert not desk.reason.disabled
    else:
        assert desk.reason.disabled  # what has begun is finished under its own reason


def test_the_button_does_not_judge_the_code(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_TEST_SECRET", "the operator's own")
    desk = opened("wrong-code")
    desk.code.value = "XXXXXX"
    assert desk.apply.disabled
    desk.apply.click()  # a disabled button still fires from Python: `ops apply` is what refuses
    assert desk.applying
    assert desk.applying.wait(20)
    assert "started with --code=XXXXXX" in desk.told.value
    assert "OPS_TEST_SECRET" in desk.told.value  # its environment is the operator's
    assert "nothing has been changed" in desk.told.value


def test_what_an_earlier_run_left_open_comes_first(opened: Open) -> None:
    desk = opened("open")
    press(desk)
    told = desk.told.value
    assert told.index("An earlier run broke off") < told.index("Applied.")
    assert "sqs:SendMessage of 03:01:12 &lt;b&gt;" in told
    assert "Verified after 3 s" in told
    assert "Possibly twice: the message of step 2" in told
    assert ">already-done<" in told


def test_while_it_runs_progress_is_live_and_nothing_can_be_started_twice(opened: Open) -> None:
    desk, other = opened("done"), opened("waits", reason="another")
    other.code.value = other.plan.code
    other.apply.click()
    until(lambda: "the lock was put" in other.told.value)
    first = other.applying
    assert "in progress" in other.told.value
    assert first
    assert os.getsid(first._process.pid) == first._process.pid  # interrupting the kernel does not reach it
    assert (other.apply.disabled, other.code.disabled, other.reason.disabled) == (True, True, True)
    assert not other.stop.disabled
    other.apply.click()
    assert other.applying is first
    other.reason.value = "a third"
    assert other.reason.value == other.plan.reason
    desk.code.value = desk.plan.code
    desk.apply.click()  # a plan in another cell
    assert desk.applying is None
    assert "another plan is being applied" in desk.trouble.value
    other.stop.click()
    assert first.wait(20)
    assert "Stopped before the end" in other.told.value
    assert "1 done, 1 not-attempted" in other.told.value
    press(desk)
    assert "Applied." in desk.told.value
    assert desk.trouble.value == ""


def test_a_process_that_cannot_start_is_shown_and_the_next_one_may(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = opened()
    monkeypatch.setattr(approval, "command", lambda *_: ["/no/such/program"])
    desk.code.value = desk.plan.code
    desk.apply.click()
    assert "FileNotFoundError" in desk.trouble.value
    assert not desk.running
    assert not applying._ONE_AT_A_TIME.locked()
    desk.code.value = "\0"
    monkeypatch.setattr(approval, "command", lambda path, code, env: [sys.executable, code])
    desk.apply.click()
    assert "ValueError" in desk.trouble.value
    assert not desk.running


def test_an_exception_of_a_callback_is_shown(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = opened()

    def full(*_: object) -> None:
        raise OSError("No space left on <device>")

    monkeypatch.setattr(store, "write", full)
    desk.reason.value = "another"
    assert "No space left on &lt;device&gt;" in desk.trouble.value
    assert desk.plan.reason != "another"


def test_a_notebook_that_cannot_show_still_listens_to_the_end(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = opened("done")
    ended = Event()

    def broken(html: str) -> None:
        ended.set()
        raise RuntimeError("no display")

    desk.keep = broken
    press(desk)
    assert ended.wait(1)
    assert "Applied." in desk.told.value
    assert "no display" in desk.trouble.value


def test_hostile_text_is_text(opened: Open) -> None:
    desk = opened("hostile", text=HOSTILE)
    desk.reason.value = HOSTILE
    press(desk)
    for shown in (desk.told.value, desk.head.value, desk.hint.value, desk.kept[-1]):  # type: ignore[attr-defined]
        assert "<script" not in shown
        assert "<img" not in shown
    assert "&lt;script&gt;" in desk.told.value
    assert '<div class="verdict unknown">' in desk.told.value


def test_the_process_is_ops_apply_with_the_typed_code_as_one_word() -> None:
    words = applying.command(Path("/state/plans/x.json"), "-e prod", "sandbox-mine")
    assert words[0] == sys.executable
    assert words[1:4] == ["-m", "ops_lib", "apply"]
    assert words[4:] == ["/state/plans/x.json", "--code=-e prod", "-e", "sandbox-mine", "--json"]
