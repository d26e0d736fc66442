"""What the journal says is to be given back: the value before the first change, whoever changed it once more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops_lib.change.journal_entry import Draft, Entry, Kind
from ops_lib.change.prior import priors

NOW = datetime(2026, 11, 7, 3, 0, tzinfo=UTC)
OF = "service video-worker"


class Told:
    """Entries of a journal, told change by change."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, kind: Kind, plan: str, step: int | None, **facts: Any) -> None:
        at = NOW + timedelta(seconds=len(self.entries))
        self.entries.append(Draft(kind, plan, step, facts, at).entry(len(self.entries), ""))

    def change(self, plan: str, found: dict[str, Any], left: dict[str, Any], state: str = "done", of: str = OF) -> None:
        self.add("plan", plan, None, who=f"arn/{plan}")
        self.add("intent", plan, 1, title=f"title of {plan}", setting={"of": of, "found": found, "left": left})
        if state:
            self.add("outcome", plan, 1, state=state)

    def of(self, of: str = OF) -> tuple[dict[str, Any], dict[str, Any]] | None:
        prior = priors(self.entries).get(of)
        return None if prior is None else (prior.found, prior.left)


def test_two_changes_leave_one_record() -> None:
    told = Told()
    told.change("first", {"desiredCount": 0, "MaxCapacity": 8}, {"desiredCount": 1, "MaxCapacity": 8})
    told.change("second", {"desiredCount": 1, "MaxCapacity": 8}, {"desiredCount": 2, "MaxCapacity": 8})
    assert told.of() == ({"desiredCount": 0}, {"desiredCount": 2})
    (prior,) = priors(told.entries).values()
    assert (prior.who, prior.title) == ("arn/first", "title of first")
    assert "desiredCount 0, recorded 2026-11-07 03:00:01 UTC by arn/first" in prior.words


def test_what_is_given_back_is_no_more_to_be_given_back() -> None:
    told = Told()
    told.change("forced", {"desiredCount": 0}, {"desiredCount": 1})
    told.change("restored", {"desiredCount": 1}, {"desiredCount": 0})
    assert told.of() is None
    told.change("again", {"desiredCount": 0}, {"desiredCount": 1})
    assert told.of() == ({"desiredCount": 0}, {"desiredCount": 1})


def test_each_value_has_its_own_record_though_autoscaling_moves_the_count_between() -> None:
    told = Told()
    told.change("maximum", {"desiredCount": 8, "MaxCapacity": 8}, {"desiredCount": 8, "MaxCapacity": 12})
    told.change(
        "held",
        {"desiredCount": 12, "MaxCapacity": 12, "In": False},
        {"desiredCount": 12, "MaxCapacity": 12, "In": True},
    )
    assert told.of() == ({"MaxCapacity": 8, "In": False}, {"MaxCapacity": 12, "In": True})


def test_after_a_change_by_somebody_else_the_record_begins_anew() -> None:
    told = Told()
    told.change("forced", {"desiredCount": 0}, {"desiredCount": 1})
    told.change("later", {"desiredCount": 3}, {"desiredCount": 4})
    assert told.of() == ({"desiredCount": 3}, {"desiredCount": 4})


@pytest.mark.parametrize(("state", "counts"), [("failed", False), ("refused", False), ("unknown", True), ("", True)])
def test_what_was_perhaps_made_counts_as_made(state: str, counts: bool) -> None:
    told = Told()
    told.change("forced", {"desiredCount": 0}, {"desiredCount": 1}, state)
    assert (told.of() is not None) == counts


def test_an_intent_that_a_second_run_repeats_is_one_change() -> None:
    told = Told()
    told.change("forced", {"desiredCount": 0}, {"desiredCount": 1}, "")
    told.change("forced", {"desiredCount": 0}, {"desiredCount": 1})
    assert told.of() == ({"desiredCount": 0}, {"desiredCount": 1})


def test_things_do_not_mix_and_other_entries_say_nothing() -> None:
    told = Told()
    told.add("intent", "p", 1, title="another", call={})
    told.change("forced", {"desiredCount": 0}, {"desiredCount": 1})
    told.change("timeout", {"VisibilityTimeout": "600"}, {"VisibilityTimeout": "900"}, of="queue reassembly")
    assert sorted(priors(told.entries)) == ["queue reassembly", OF]
