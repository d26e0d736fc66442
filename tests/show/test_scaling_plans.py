"""Which plan the notebook about scaling shows: what was asked for, a timeout that is too short, and what gives back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ops_lib.change.plan import Plan, Prior
from ops_lib.decide.capacity import Capacity
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.names import NOBODY, NOTHING_CHOSEN
from ops_lib.errors import BadParameter, NotReadable
from ops_lib.evidence import LogLine
from ops_lib.parameters import CHANGES, from_values
from ops_lib.show import capacity, scaling_plans
from ops_lib.show.again import NOT_HEADLESS
from ops_lib.show.scaling_choice import Scaling, choose
from tests.decide.repairs.capacities import NAMES
from tests.decide.repairs.capacities import capacity as evidence_of
from tests.decide.states import NOW, queue
from tests.decide.work_lines import many


class Book(SimpleNamespace):
    """As much of a runbook as the plans need; keeps what was reviewed and shown."""

    def __init__(self, **asked: Any) -> None:
        settings = SimpleNamespace(name="sandbox", now=lambda: NOW)
        super().__init__(parameters=from_values("2_scaling", asked), names=NAMES, settings=settings)
        self.reviewed: list[Plan | NoRepair] = []
        self.shown: list[str] = []
        self.review, self.html = self.reviewed.append, self.shown.append


def seen(lines: list[LogLine] | None = None, **other: Any) -> Capacity:
    return Capacity(evidence_of(lines=lines or [], **other), NOW)


ASKED = {"desired-count": 2, "raise-maximum": 12}
STATES: dict[str, dict[str, Any]] = {
    "force-one-task": {"desired": {"media-worker": 0}},
    "resume-scaling": {"suspended": ("DynamicScalingOutSuspended",)},
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_that_can_be_asked_for_has_its_plan(change: str) -> None:
    wanted = Scaling(change, "media-worker", ASKED.get(change, 0))
    plan = scaling_plans.scaling_plan(Book(), seen(**STATES.get(change, {})), wanted)  # type: ignore[arg-type]
    assert isinstance(plan, Plan), plan
    assert any("media-worker" in str(step.call.arguments) for step in plan.steps)


def test_without_a_change_the_changes_are_named() -> None:
    answer = scaling_plans.scaling_plan(Book(), seen(), Scaling("", "media-worker", 0))  # type: ignore[arg-type]
    assert isinstance(answer, NoRepair)
    assert answer.whom_to_call == NOTHING_CHOSEN
    assert all(change in answer.reason for change in CHANGES)


def seconds_of(answer: Plan | NoRepair) -> tuple[str, str]:
    assert isinstance(answer, Plan), answer
    arguments = answer.steps[0].call.arguments
    return str(arguments["QueueUrl"]), str(arguments["Attributes"]["VisibilityTimeout"])  # type: ignore[index]


def timeout_plan(capacity: Capacity, **asked: Any) -> Plan | NoRepair:
    """The plan of a run without a person: what its parameters ask for."""
    book = Book(**asked)
    _, timeout = choose(book, capacity, "media-worker")  # type: ignore[arg-type]
    return scaling_plans.timeout_plan(book, capacity, timeout.chosen)  # type: ignore[arg-type]


def test_a_timeout_that_is_too_short_is_set_to_what_is_recommended_unless_another_is_named() -> None:
    short = seen(many("reassembly", [700.0] * 25))
    assert seconds_of(timeout_plan(short)) == ("reassembly", "900")
    assert seconds_of(timeout_plan(short, queue="chunking", seconds=1200)) == ("chunking", "1200")


def test_no_timeout_is_set_where_none_is_too_short_or_nothing_is_known() -> None:
    told = timeout_plan(seen(many("chunking", [60.0] * 25)))
    unknown = timeout_plan(seen(many("chunking", [60.0] * 5)))
    assert isinstance(told, NoRepair)
    assert isinstance(unknown, NoRepair)
    assert (told.whom_to_call, unknown.whom_to_call) == (NOBODY, NOTHING_CHOSEN)


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> dict[str, Prior]:
    kept: dict[str, Prior] = {}
    monkeypatch.setattr(scaling_plans, "journal_of", lambda name: SimpleNamespace(entries=list))
    monkeypatch.setattr(scaling_plans, "priors", lambda entries: kept)
    return kept


def test_what_plans_changed_is_given_back_each_in_one_plan(journal: dict[str, Prior]) -> None:
    book = Book()
    scaling_plans.review_restores(book, seen())  # type: ignore[arg-type]
    assert [type(one) for one in book.reviewed] == [NoRepair]
    found, left = {"VisibilityTimeout": "900"}, {"VisibilityTimeout": "600"}
    journal["queue reassembly"] = Prior("queue reassembly", NOW, "me", "set it", found, left)
    scaling_plans.review_restores(book, seen())  # type: ignore[arg-type]
    assert seconds_of(book.reviewed[-1]) == ("reassembly", "900")


def test_a_journal_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(name: str) -> None:
        raise NotReadable("the journal was denied")

    monkeypatch.setattr(scaling_plans, "journal_of", denied)
    book = Book()
    scaling_plans.review_restores(book, seen())  # type: ignore[arg-type]
    assert isinstance(book.reviewed[0], NoRepair)
    assert "denied" in book.reviewed[0].reason


def test_it_is_looked_at_again_only_where_somebody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    book, before = Book(), seen(pairs=[queue("chunking", 5)])
    scaling_plans.look_again(book, before)  # type: ignore[arg-type]
    assert book.shown == [NOT_HEADLESS]
    monkeypatch.setattr(scaling_plans, "somebody_is_there", lambda: True)
    monkeypatch.setattr(scaling_plans, "look_now", lambda book: seen(desired={"media-worker": 2}))
    scaling_plans.look_again(book, before)  # type: ignore[arg-type]
    page = book.shown[-1]
    assert "<b>2 / 2 / 0</b>" in page
    assert "<b>0 / 0</b>" in page
    assert page.index("media-worker: desired") < page.index("video-worker: desired")


def test_a_service_that_is_not_there_is_refused_and_none_is_the_busiest() -> None:
    busy = seen(pairs=[queue("reassembly", 5)])
    assert capacity.service_of(Book(), busy) == "media-worker"  # type: ignore[arg-type]
    assert capacity.service_of(Book(service="video-worker"), busy) == "video-worker"  # type: ignore[arg-type]
    with pytest.raises(BadParameter, match="media-worker, video-worker"):
        capacity.service_of(Book(service="nobody"), busy)  # type: ignore[arg-type]


def test_a_queue_or_a_change_that_is_not_there_is_refused_before_anything_is_read() -> None:
    book = Book(queue="videoworker")
    book.settings.queues = {"chunking": "", "video-worker": ""}
    with pytest.raises(BadParameter, match=r"^queue: got 'videoworker'.*use one of: chunking, video-worker"):
        capacity.look(book)  # type: ignore[arg-type]
    with pytest.raises(BadParameter, match=r"^change: got 'more'.*use one of: force-one-task"):
        from_values("2_scaling", {"change": "more"})
