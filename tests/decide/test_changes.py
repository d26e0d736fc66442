"""What changed since the last report: two reports give the exact difference, and an unread part hides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.decide.changes import WEIGHT, Changes, PastRun, Told, changes_since, past_run, told
from ops_lib.decide.findings import Finding, accept
from ops_lib.decide.vocabulary import Severity
from ops_lib.environment import Accepted

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
SEVERITIES: tuple[Severity, ...] = ("ok", "note", "warning", "unknown", "critical")


def finding(name: str, severity: Severity = "critical", **more: Any) -> Finding:
    return Finding(name, severity, f"{name} is {severity}", "0. Triage", **more)


def past(days_ago: int = 1, unread: frozenset[str] = frozenset(), **findings: Any) -> PastRun:
    seen = {name: one if isinstance(one, Told) else Told(one, f"{name} is {one}") for name, one in findings.items()}
    return PastRun(NOW - timedelta(days=days_ago), seen, unread)


def kinds(found: Changes) -> dict[str, str]:
    return {change.id: change.kind for change in found.all}


def since(run: PastRun, *now: Finding, unread: tuple[str, ...] = ()) -> Changes:
    return changes_since([run], now, unread)


def test_the_first_report_has_nothing_to_compare_with() -> None:
    found = changes_since([], [finding("a")], ())
    assert (found.since, found.all, found.same) == (None, (), 0)


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        ("ok", "critical", "new"),
        ("note", "warning", "new"),
        ("ok", "unknown", "new"),
        ("warning", "critical", "worse"),
        ("warning", "unknown", "worse"),
        ("unknown", "critical", "worse"),
        ("unknown", "warning", "better"),
        ("critical", "warning", "better"),
        ("critical", "unknown", "hidden"),
        ("critical", "ok", "gone"),
        ("unknown", "note", "gone"),
        ("ok", "note", None),
        ("critical", "critical", None),
    ],
)
def test_each_step_of_severity_has_its_word(before: Severity, now: Severity, kind: str | None) -> None:
    found = since(past(a=before), finding("a", now))
    assert kinds(found) == ({"a": kind} if kind else {})
    assert found.same == (kind is None and now == "critical")


def test_two_reports_give_the_exact_difference_most_urgent_first() -> None:
    before = past(gone="warning", worse="warning", better="critical", same="critical", fine="ok")
    now = [finding("worse"), finding("better", "warning"), finding("same"), finding("b-new", "warning"), finding("new")]
    found = since(before, *now)
    assert [(change.id, change.kind) for change in found.all] == [
        ("new", "new"),
        ("b-new", "new"),
        ("worse", "worse"),
        ("better", "better"),
        ("gone", "gone"),
    ]
    assert (found.since, found.same) == (before.at, 1)


def test_more_of_the_same_is_worse_and_less_is_better() -> None:
    two = past(a=Told("critical", "2 letters", amount=2))
    more = since(two, finding("a", amount=40))
    assert kinds(more) == {"a": "worse"}
    assert more.all[0].words == "it was: 2 letters"
    assert kinds(since(two, finding("a", amount=1))) == {"a": "better"}
    assert kinds(since(two, finding("a", amount=2))) == {}
    assert kinds(since(two, finding("a"))) == {}, "one of the two did not count"


def test_what_was_not_read_hides_nothing() -> None:
    run = past(a="critical", unread=frozenset({"alarms"}))
    hidden = since(run, unread=("alarms", "queues"))
    assert kinds(hidden) == {"a": "hidden"}
    assert hidden.all[0].words == "not seen, but not read either: queues"
    assert kinds(since(run, unread=("alarms",))) == {"a": "gone"}, "it was seen although the alarms were unread"


def test_an_accepted_finding_is_quiet_until_its_day_and_returns_after_it() -> None:
    until = date(2026, 11, 26)
    accepted = [Accepted(id="a", reason="known", until=until)]
    runs: list[PastRun] = []
    said: list[dict[str, str]] = []
    for day in range(-2, 3):
        now = accept([finding("a")], accepted if day > -2 else [], until + timedelta(days=day))
        said.append(kinds(changes_since(runs, now, ())))
        runs.append(PastRun(NOW + timedelta(days=day), {one.id: told(one) for one in now}))
    assert said == [{}, {"a": "better"}, {}, {"a": "new"}, {}]
    assert changes_since(runs[:3], [finding("a")], ()).all[0].words == "it is no longer accepted"


def history(pattern: str) -> list[PastRun]:
    days = len(pattern)
    return [past(days - n, a="critical" if there == "x" else "ok") for n, there in enumerate(pattern)]


@pytest.mark.parametrize(
    ("pattern", "now", "kind"),
    [
        ("xx.x", False, "flapping"),
        (".x.x.x.x", False, "flapping"),
        ("x.x.x.x.", True, "flapping"),
        (".x.xxxxx", True, "flapping"),
        ("........", True, "new"),
        ("x.......", True, "new"),
        ("xxxxxxxx", False, "gone"),
        ("x.x.xxxxxxxxxx", False, "gone"),
        ("x.x.xxxxxxxxxx", True, None),
        (".x.x......", False, None),
    ],
)
def test_what_comes_and_goes_is_flapping_and_not_new_each_morning(pattern: str, now: bool, kind: str | None) -> None:
    found = changes_since(history(pattern), [finding("a", "critical" if now else "ok")], ())
    assert kinds(found) == ({"a": kind} if kind else {})


def test_flapping_says_how_often() -> None:
    found = changes_since(history("x.x.x.x.x"), [finding("a", "ok")], ())
    assert found.all[0].words == "it comes and goes: there in 5 of the last 10 reports"


def test_the_order_in_which_the_past_is_given_says_nothing() -> None:
    runs = history("..x")
    assert changes_since(runs[::-1], [finding("a")], ()) == changes_since(runs, [finding("a")], ())


STATES: st.SearchStrategy[Mapping[str, Severity]] = st.dictionaries(
    st.sampled_from("abcd"), st.sampled_from(SEVERITIES)
)


@given(STATES, STATES, st.booleans())
def test_every_finding_that_counts_is_told_once_or_is_the_same(
    before: Mapping[str, Severity], now: Mapping[str, Severity], unread: bool
) -> None:
    found = since(past(**before), *[finding(*one) for one in now.items()], unread=("queues",) if unread else ())
    counted = {name for name, severity in now.items() if WEIGHT[severity]}
    lost = {name for name, severity in before.items() if WEIGHT[severity]} - counted
    assert len(kinds(found)) == len(found.all)
    assert lost <= kinds(found).keys() <= counted | lost
    assert found.same == len(counted - kinds(found).keys())
    if unread:
        assert not found.of("gone"), "nobody may say so"


@given(STATES)
def test_the_same_report_again_has_no_news(state: Mapping[str, Severity]) -> None:
    assert since(past(**state), *[finding(*one) for one in state.items()]).all == ()


SAID = {"id": "a", "severity": "warning", "summary": "s", "accepted": None, "amount": 2}


def said(**other: Any) -> dict[str, Any]:
    return {"generated_at": NOW.isoformat(), "findings": [SAID | other], "unread": [{"what": "queues"}]}


def test_a_report_is_what_its_document_says() -> None:
    assert past_run(said()) == PastRun(NOW, {"a": Told("warning", "s", amount=2)}, frozenset({"queues"}))


@pytest.mark.parametrize(
    "other", [{"severity": "green"}, {"severity": None}, {"severity": []}, {"amount": "2"}], ids=str
)
def test_what_no_report_says_is_not_compared_with(other: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"the report of 2026-.* is not as one is written"):
        past_run(said(**other))
    with pytest.raises(ValueError, match="not as one is written"):
        past_run(said() | {"unread": None})
