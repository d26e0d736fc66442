"""Findings: what a report says, one sentence each, with evidence and the next step; and the status they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

from ops_lib.decide.vocabulary import Severity

# Exit order of design.md: critical before unknown before warning; a note or an accepted finding never counts.
WORST: tuple[Severity, ...] = ("critical", "unknown", "warning")
EXIT_CODES: dict[Severity, int] = {"ok": 0, "note": 0, "warning": 1, "critical": 2, "unknown": 3}


@dataclass(frozen=True)
class Finding:
    """One thing a person should know; `id` is the same from run to run.

    `section` is the runbook's section, `notebook` and `parameters` what to open next, `accepted` why and until when
    the team lives with it; `amount`: how much of it there is, so that two reports can be compared.
    """

    id: str
    severity: Severity
    summary: str
    section: str
    evidence: tuple[str, ...] = ()
    next_step: str = ""
    notebook: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    accepted: str | None = None
    amount: float | None = None


class Acceptance(Protocol):
    """An accepted finding of the environment file."""

    @property
    def id(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def until(self) -> date: ...


def accept(findings: Iterable[Finding], accepted: Sequence[Acceptance], today: date) -> tuple[Finding, ...]:
    """Return the findings, those the team has accepted up to and including their day marked with the reason."""
    reasons = {a.id: f"{a.reason} (until {a.until.isoformat()})" for a in accepted if today <= a.until}
    return tuple(replace(f, accepted=reasons[f.id]) if f.id in reasons else f for f in findings)


def status_of(findings: Iterable[Finding]) -> Severity:
    """Return the worst severity that counts, in exit order: critical, unknown, warning; else ok."""
    present = {finding.severity for finding in findings if finding.accepted is None}
    return next((severity for severity in WORST if severity in present), "ok")


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings as people read them: what counts first, then notes, then ok; accepted ones last."""
    order = (*WORST, "note", "ok")
    return tuple(sorted(findings, key=lambda f: (f.accepted is not None, order.index(f.severity), f.id)))
