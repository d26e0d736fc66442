"""The way back of the endpoint and its clean-up: nothing is said to be there, or deleted, on what was not read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ops_lib.change.plan import Plan
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.names import DEPLOYER, NOBODY
from ops_lib.deployed import Deployed
from ops_lib.errors import NotReadable
from ops_lib.show import endpoint_before, endpoint_update
from tests.decide.deployed_world import NAME, NAMES, NOW, deployed, listing
from tests.recorded import UNREAD, read

LEFT = f"{NAME}-config-1795680794"
LISTED = read(listing((NAME, 300), (LEFT, 3)))


class Book(SimpleNamespace):
    """As much of a runbook as these two need; keeps what was reviewed."""

    def __init__(self) -> None:
        settings = SimpleNamespace(name="sandbox", output_bucket="output")
        super().__init__(settings=settings, names=NAMES, now=NOW, aws=None)
        self.parameters = SimpleNamespace(clean_up=True)
        self.reviewed: list[Plan | NoRepair] = []
        self.review = self.reviewed.append


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    broken: list[Exception] = []

    def entries() -> list[Any]:
        if broken:
            raise broken[0]
        return []

    monkeypatch.setattr(endpoint_before, "journal_of", lambda name: SimpleNamespace(entries=entries))
    return broken


def restored(monkeypatch: pytest.MonkeyPatch, world: Deployed) -> Plan | NoRepair:
    monkeypatch.setattr(endpoint_update, "read_endpoint", lambda book: world)
    book = Book()
    endpoint_update.restore(book)  # type: ignore[arg-type]
    return book.reviewed[0]


def test_there_is_no_way_back_only_where_all_was_read(
    monkeypatch: pytest.MonkeyPatch, journal: list[Exception]
) -> None:
    assert restored(monkeypatch, deployed()) == NoRepair("There is no earlier config to go back to.", NOBODY)
    for part in ("endpoint", "listing"):
        answer = restored(monkeypatch, deployed(**{part: UNREAD}))
        assert isinstance(answer, NoRepair)
        assert (answer.whom_to_call, UNREAD.reason in answer.reason) == (DEPLOYER, True), part
    journal.append(NotReadable("the journal was denied"))
    answer = restored(monkeypatch, deployed())
    assert isinstance(answer, NoRepair)
    assert "the journal was denied" in answer.reason


def test_nothing_is_deleted_while_the_journal_does_not_say_what_to_keep(
    monkeypatch: pytest.MonkeyPatch, journal: list[Exception]
) -> None:
    monkeypatch.setattr(endpoint_update, "read_prefix", lambda *_: read(()))
    book, world = Book(), deployed(listing=LISTED)
    endpoint_update.clean_up(book, world)  # type: ignore[arg-type]
    journal.append(NotReadable("the journal was denied"))
    endpoint_update.clean_up(book, world)  # type: ignore[arg-type]
    could, no_trials, refused, as_before = book.reviewed
    assert isinstance(no_trials, NoRepair)
    assert as_before == no_trials, "trials are no matter of the journal"
    assert isinstance(could, Plan)
    assert LEFT in str(could.steps)
    assert isinstance(refused, NoRepair)
    assert "the journal was denied" in refused.reason
