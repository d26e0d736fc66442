"""Status in exit order, acceptance until its day, worst first."""

from dataclasses import dataclass, replace
from datetime import date

import pytest

from ops_lib.decide.findings import EXIT_CODES, Finding, accept, status_of, worst_first

ONE = Finding("a", "critical", "said", "section")


@dataclass(frozen=True)
class Until:
    id: str
    reason: str
    until: date


@pytest.mark.parametrize(
    ("severities", "status", "code"),
    [
        ((), "ok", 0),
        (("ok", "note"), "ok", 0),
        (("note", "warning"), "warning", 1),
        (("warning", "unknown"), "unknown", 3),
        (("warning", "unknown", "critical"), "critical", 2),
    ],
)
def test_critical_before_unknown_before_warning(severities: tuple[str, ...], status: str, code: int) -> None:
    findings = [replace(ONE, id=s, severity=s) for s in severities]  # type: ignore[arg-type]
    assert status_of(findings) == status
    assert EXIT_CODES[status_of(findings)] == code


@pytest.mark.parametrize(
    ("today", "quiet"), [(date(2026, 1, 1), True), (date(2026, 3, 31), True), (date(2026, 4, 1), False)]
)
def test_an_accepted_finding_is_quiet_until_its_day_and_back_after_it(today: date, quiet: bool) -> None:
    (marked,) = accept([ONE], [Until("a", "we know", date(2026, 3, 31))], today)
    assert (marked.accepted == "we know (until 2026-03-31)") == quiet
    assert status_of([marked]) == ("ok" if quiet else "critical")


def test_only_the_finding_of_that_very_id_is_accepted() -> None:
    (marked,) = accept([ONE], [Until("ab", "we know", date(2027, 1, 1))], date(2026, 1, 1))
    assert marked.accepted is None


def test_worst_first_and_stable() -> None:
    rows = [
        replace(ONE, id=i, severity=s) for i, s in (("n", "note"), ("u", "unknown"), ("b", "critical"), ("o", "ok"))
    ]  # type: ignore[arg-type]
    ordered = worst_first([*rows, ONE, replace(ONE, id="z", accepted="x")])
    assert [f.id for f in ordered] == ["a", "b", "u", "n", "o", "z"]
