"""What a person chooses is what is planned: traits are set as a person would, and an older plan cannot be applied."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from ops_lib.capacity import Service
from ops_lib.change import store
from ops_lib.change.plan import Plan
from ops_lib.decide.capacity import Capacity
from ops_lib.errors import PlanOutdated
from ops_lib.parameters import CHANGES, from_values
from ops_lib.show import scaling_choice, scaling_plans
from ops_lib.show.approval import Approval
from ops_lib.show.plan_tables import OUTDATED
from ops_lib.show.scaling_choice import Scaling, ScalingChoice, ScalingDesk, Timeout, TimeoutChoice, TimeoutDesk
from tests.decide.repairs.capacities import NAMES
from tests.decide.repairs.capacities import capacity as evidence_of
from tests.decide.states import NOW
from tests.decide.work_lines import many
from tests.recorded import read
from tests.show.plans import settings

NOTHING = Scaling("", "media-worker", 0)


@pytest.fixture(autouse=True)
def shell() -> None:
    InteractiveShell.instance()


def seen(**other: Any) -> Capacity:
    return Capacity(evidence_of(**other), NOW)


def book(**asked: Any) -> Any:
    return SimpleNamespace(parameters=from_values("2_scaling", asked), names=NAMES)


def test_every_change_can_be_chosen() -> None:
    assert set(scaling_choice.CHANGES) == {"", *CHANGES}
    choice = ScalingChoice(NOTHING)
    desk = ScalingDesk(choice, seen(desired={"media-worker": 0}))
    for change in CHANGES:
        desk.change.value = change
        assert choice.chosen.change == change
        assert desk.count.disabled == (change not in ("desired-count", "raise-maximum"))


def test_a_count_begins_as_it_is_so_that_nobody_stops_a_task_by_choosing() -> None:
    choice = ScalingChoice(NOTHING)
    desk = ScalingDesk(choice, seen(desired={"media-worker": 3}))
    desk.change.value = "desired-count"
    assert choice.chosen == Scaling("desired-count", "media-worker", 3)
    desk.change.value = "raise-maximum"
    assert choice.chosen == Scaling("raise-maximum", "media-worker", 10)
    desk.service.value = "video-worker"
    assert choice.chosen == Scaling("raise-maximum", "video-worker", 8)
    desk.count.value = 9
    assert choice.chosen.count == 9
    assert "bounds 1 to 8" in desk.told.value


def test_what_the_parameters_ask_for_is_chosen_at_first() -> None:
    with capture_output() as shown:
        scaling, timeout = scaling_choice.choose(
            book(change="desired-count", count=2, queue="ingest", seconds=1200), seen(), "media-worker"
        )
    assert scaling.chosen == Scaling("desired-count", "media-worker", 2)
    assert timeout.chosen == Timeout("ingest", 1200)
    assert "Nobody can choose" in str(shown.outputs[0].data)


def test_where_somebody_is_there_both_desks_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling_choice, "somebody_is_there", lambda: True)
    with capture_output() as shown:
        scaling, _ = scaling_choice.choose(book(change="desired-count", count=2), seen(), "media-worker")
    assert scaling.chosen.count == 2, "the desk begins with what was asked for"
    assert "application/vnd.jupyter.widget-view+json" in shown.outputs[0].data


def test_a_queue_brings_what_is_recommended_for_it_else_what_it_has() -> None:
    short = seen(lines=many("reassembly", [700.0] * 25))
    choice = TimeoutChoice(Timeout("reassembly", 0))
    desk = TimeoutDesk(choice, short)
    assert choice.chosen == Timeout("reassembly", 900)
    assert "nobody retries" in desk.told.value
    desk.queue.value = "ingest"
    assert choice.chosen == Timeout("ingest", desk.live_s["ingest"])
    assert "nothing was measured" in desk.told.value
    desk.queue.value = ""
    assert choice.chosen.queue == ""
    assert desk.seconds.disabled


def test_hostile_names_are_harmless_text() -> None:
    name = "<b>\x1b[31mx\n"
    there = Capacity(evidence_of(services=read((Service(name, "ACTIVE", 1, 1, 0),))), NOW)
    desk = ScalingDesk(ScalingChoice(Scaling("", name, 0)), there)
    assert all(label.isprintable() for label, _ in desk.service.options)
    assert "<b>" not in desk.told.value


def reviewed(choice: ScalingChoice, folder: Path) -> Approval:
    """The desk of the plan of what is chosen now, its code typed."""
    plan = scaling_plans.scaling_plan(book(), seen(), choice.chosen)
    assert isinstance(plan, Plan), plan
    here = settings(folder)
    made = Approval(plan, store.write(plan, here), here, lambda _: None, choice)
    made.code.value = plan.code
    return made


def test_a_changed_choice_shuts_apply_and_the_terminal_until_it_is_the_same_again(tmp_path: Path) -> None:
    choice, timeout = ScalingChoice(NOTHING), TimeoutChoice(Timeout("", 0))
    desk, other = ScalingDesk(choice, seen()), TimeoutDesk(timeout, seen())
    desk.change.value, desk.count.value = "desired-count", 2
    first = reviewed(choice, tmp_path)
    assert not first.apply.disabled

    other.queue.value = "chunking"
    assert not first.apply.disabled, "a timeout is another choice"
    desk.count.value = 3
    assert first.apply.disabled
    assert first.hint.value == OUTDATED
    with pytest.raises(PlanOutdated):
        store.require_current(first.plan, settings(tmp_path))
    assert not reviewed(choice, tmp_path).apply.disabled
    desk.count.value = 2
    assert not first.apply.disabled
    ScalingChoice(choice.chosen)
    assert first.apply.disabled, "everything was read anew"
