"""What has changed since the last report: new, worse, better, gone, flapping; by the findings' stable ids.

A finding that is no longer there is gone only if nothing became unread since: what was not read may hide it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from ops_lib.decide.findings import Finding
from ops_lib.decide.vocabulary import Severity

Kind = Literal["new", "worse", "hidden", "better", "gone", "flapping"]
KINDS: tuple[Kind, ...] = get_args(Kind)
COMPARED_RUNS = 10
FLAPS = 3  # that often there and gone within the compared runs: nobody is helped by calling it new once more
# What counts, by how much it asks for a person. Unknown stands above warning, for it may be critical.
WEIGHT: Mapping[Severity, int] = {"ok": 0, "note": 0, "warning": 1, "unknown": 2, "critical": 3}
TITLES: dict[str, str] = {"hidden": "not known any more"}


def title(kind: str) -> str:
    """Return the kind of a change as people read it."""
    return TITLES.get(kind, kind)


@dataclass(frozen=True)
class Told:
    """One finding as a report told it. `amount`: how much of it there is, where that can be counted."""

    severity: Severity
    summary: str
    accepted: bool = False
    amount: float | None = None

    @property
    def weight(self) -> int:
        """Return how much it asks for a person; an accepted finding asks for nobody."""
        return 0 if self.accepted else WEIGHT[self.severity]


@dataclass(frozen=True)
class PastRun:
    """An earlier report: when its evidence was read (UTC), its findings by id, what it had not read."""

    at: datetime
    findings: Mapping[str, Told]
    unread: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Change:
    """One finding that is not as it was; `before` or `now` is None where it did not count then, or does not now."""

    id: str
    kind: Kind
    before: Told | None
    now: Told | None
    words: str

    @property
    def told(self) -> Told:
        """Return the newest that is known of it."""
        newest = self.now or self.before
        assert newest is not None
        return newest


@dataclass(frozen=True)
class Changes:
    """What changed since `since` (UTC; None: there is no earlier report), the most urgent first.

    `same`: how many findings count as they did before; `ahead`: how many reports are dated after this one.
    """

    since: datetime | None
    all: tuple[Change, ...]
    same: int
    ahead: int = 0

    def of(self, kind: Kind) -> tuple[Change, ...]:
        """Return the changes of one kind."""
        return tuple(change for change in self.all if change.kind == kind)


def changes_since(past: Sequence[PastRun], findings: Iterable[Finding], unread: Iterable[str]) -> Changes:
    """Return what differs from the newest of `past`; flapping is judged over the newest ten runs, this one included."""
    now = {finding.id: told(finding) for finding in findings}
    runs = sorted(past, key=lambda run: run.at)[-(COMPARED_RUNS - 1) :]
    if not runs:
        return Changes(None, (), 0)
    last, newly_unread = runs[-1], sorted(set(unread) - runs[-1].unread)
    found, same = [], 0
    for name in sorted(now.keys() | last.findings.keys()):
        before, present = last.findings.get(name), now.get(name)
        change = _change(name, before, present, newly_unread)
        steady = present is not None and present.weight > 0
        if _flaps([run.findings.get(name) for run in runs] + [present]) and (change or steady):
            change = Change(name, "flapping", before, present, _flapping_words(runs, name, present))
        if change:
            found.append(change)
        else:
            same += steady
    return Changes(last.at, tuple(sorted(found, key=_urgent_first)), same)


def past_run(report: Mapping[str, Any]) -> PastRun:
    """Return an earlier findings document as a run to compare with.

    Raises ValueError for one that no report of ours would say: a severity that is none, a part that is missing.
    """
    try:
        findings = {str(one["id"]): _as_told(one) for one in report["findings"]}
        unread = frozenset(str(part["what"]) for part in report["unread"])
        return PastRun(datetime.fromisoformat(report["generated_at"]), findings, unread)
    except (KeyError, TypeError, AttributeError) as error:
        told = f"{type(error).__name__}: {error}"
        raise ValueError(f"the report of {report.get('generated_at')} is not as one is written ({told})") from None


def _as_told(one: Mapping[str, Any]) -> Told:
    severity, amount = one["severity"], one.get("amount")
    if severity not in WEIGHT or not isinstance(amount, int | float | None):
        raise TypeError(f"{one['id']} is {severity}, its amount {amount}")
    return Told(severity, str(one["summary"]), one["accepted"] is not None, amount)


def told(finding: Finding) -> Told:
    """Return what a report tells of a finding."""
    return Told(finding.severity, finding.summary, finding.accepted is not None, finding.amount)


def _change(name: str, before: Told | None, now: Told | None, newly_unread: Sequence[str]) -> Change | None:
    was, is_now = _weight(before), _weight(now)
    if was == is_now:
        return _of_amount(name, before, now)
    if not was:
        ended = before is not None and before.accepted
        return Change(name, "new", before, now, "it is no longer accepted" if ended else "it was not there")
    if not is_now:
        return _no_longer(name, before, now, newly_unread)
    assert before is not None
    assert now is not None
    words = f"it was {before.severity}"
    if now.severity == "unknown" and before.severity == "critical":
        return Change(name, "hidden", before, now, f"{words}, and cannot be read any more")
    return Change(name, "worse" if is_now > was else "better", before, now, words)


def _of_amount(name: str, before: Told | None, now: Told | None) -> Change | None:
    """The same severity: worse or better only where both reports counted, and differently."""
    if not (before and now and now.weight) or before.amount is None or now.amount is None:
        return None
    if before.amount == now.amount:
        return None
    words = f"it was: {before.summary.removesuffix('.')}"
    return Change(name, "worse" if now.amount > before.amount else "better", before, now, words)


def _no_longer(name: str, before: Told | None, now: Told | None, newly_unread: Sequence[str]) -> Change:
    if now is not None and now.accepted:
        return Change(name, "better", before, now, "the team has accepted it")
    if newly_unread:
        words = f"not seen, but not read either: {', '.join(newly_unread[:3])}"
        more = f" and {len(newly_unread) - 3} more" if len(newly_unread) > 3 else ""
        return Change(name, "hidden", before, now, words + more)
    return Change(name, "gone", before, now, "it is no longer there")


def _weight(one: Told | None) -> int:
    return one.weight if one else 0


def _flaps(states: Sequence[Told | None]) -> bool:
    there = [_weight(state) > 0 for state in states]
    return sum(a != b for a, b in itertools.pairwise(there)) >= FLAPS


def _flapping_words(runs: Sequence[PastRun], name: str, now: Told | None) -> str:
    there = sum(_weight(run.findings.get(name)) > 0 for run in runs) + (_weight(now) > 0)
    return f"it comes and goes: there in {there} of the last {len(runs) + 1} reports"


def _urgent_first(change: Change) -> tuple[int, int, str]:
    return KINDS.index(change.kind), -WEIGHT[change.told.severity], change.id
