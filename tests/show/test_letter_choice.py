"""A plan is of the letters that were chosen when it was made: a changed choice shuts its Apply."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest

from ops_lib.change import store
from ops_lib.change.plan import Plan
from ops_lib.decide.repairs.letters import plan_letters
from ops_lib.decide.repairs.names import NOBODY, NoRepair
from ops_lib.errors import PlanOutdated
from ops_lib.show import approval
from ops_lib.show.approval import Approval
from ops_lib.show.letter_choice import Desk, LetterChoice
from ops_lib.show.plan_tables import OUTDATED
from ops_lib.show.review import review, show_for
from tests.decide.repairs.deployment import NAMES
from tests.decide.states import NOW
from tests.judged_letters import QUEUES, three_classes
from tests.show.plans import settings

LETTERS = three_classes()


@pytest.fixture
def pressed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Whatever a press of Apply starts."""
    started: list[object] = []
    monkeypatch.setattr(approval, "Applying", lambda *words: started.append(words))
    return started


def reviewed(choice: LetterChoice, folder: Path) -> Approval:
    """The desk of the plan that discards what is chosen now, its code typed."""
    plan, _ = plan_letters("discard", choice.letters, LETTERS.jobs, QUEUES, NAMES, NOW)
    assert isinstance(plan, Plan)
    here = settings(folder)
    made = Approval(plan, store.write(plan, here), here, lambda _: None, choice)
    made.code.value = plan.code
    return made


def test_a_changed_choice_shuts_apply_until_it_is_the_same_again(tmp_path: Path, pressed: list[object]) -> None:
    choice = LetterChoice(LETTERS.judged)
    desk = Desk(choice, NOW)
    first = reviewed(choice, tmp_path)
    assert not first.apply.disabled
    every = desk.list.value

    desk.list.value = every[:-1]
    assert first.apply.disabled
    assert first.hint.value == OUTDATED
    first.code.value = ""
    first.code.value = first.plan.code
    first.reason.value = "another reason"
    first.code.value = first.plan.code
    assert first.apply.disabled
    first.apply.click()
    assert pressed == []

    second = reviewed(choice, tmp_path)
    assert not second.apply.disabled
    desk.list.value = tuple(reversed(every))
    assert (first.apply.disabled, second.apply.disabled) == (False, True)
    assert first.hint.value == ""
    desk.text.value = "test"
    assert first.apply.disabled


def current(desk: Approval, folder: Path) -> bool:
    """Whether `ops apply` would begin with the plan's file."""
    try:
        store.require_current(desk.plan, settings(folder))
    except PlanOutdated:
        return False
    return True


def test_a_changed_choice_shuts_the_terminal_too_until_it_is_the_same_again(tmp_path: Path) -> None:
    choice = LetterChoice(LETTERS.judged)
    first = reviewed(choice, tmp_path)
    assert current(first, tmp_path)
    choice.becomes(LETTERS.judged[:-1])
    assert not current(first, tmp_path)
    first.reason.value = "another reason"
    assert not current(first, tmp_path), "the edited plan is of the same letters"
    choice.becomes(LETTERS.judged)
    assert current(first, tmp_path)
    first.give_way()
    choice.becomes(LETTERS.judged)
    assert not current(first, tmp_path), "its cell was run again: no choice brings it back"


def test_what_is_said_below_an_old_choice_is_marked() -> None:
    choice = LetterChoice(LETTERS.judged)
    with mock.patch("ops_lib.show.review.DisplayHandle") as handle:
        review(NoRepair("None of them may be replayed.", NOBODY), settings(Path("unused")), choice)
        show_for(choice, "<p>1 chosen letter not in this plan</p>")
        show_for(choice, "")
        shown = handle.return_value.update
        shown.reset_mock()
        choice.becomes(LETTERS.judged[:-1])
    said = [call.args[0].data for call in shown.call_args_list]
    assert len(said) == 2
    assert all(one.startswith(OUTDATED) for one in said)


def test_a_choice_made_anew_shuts_apply_of_the_plans_from_the_one_before(tmp_path: Path, pressed: list[object]) -> None:
    first = reviewed(LetterChoice(LETTERS.judged), tmp_path)
    again = LetterChoice(LETTERS.judged)
    assert first.apply.disabled
    assert first.hint.value == OUTDATED
    assert not reviewed(again, tmp_path).apply.disabled
    first.apply.click()
    assert pressed == []
