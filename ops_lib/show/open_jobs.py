"""The open jobs on screen: those that are stuck, then folded those that are not, and why some cannot be put right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from ops_lib.decide.case import words
from ops_lib.decide.checks import counted
from ops_lib.decide.fleet import Fleet, OpenJob, by_age
from ops_lib.decide.repairs.names import NOBODY, NOT_YET, NoRepair
from ops_lib.decide.verdict import Verdict
from ops_lib.evidence import JobRow
from ops_lib.show.redact import safe
from ops_lib.show.tables import badge, cell_text, folded_away, html_table, table

MOST = 60
Verdicts = Mapping[str, Verdict]
STUCK = ("", "job", "created", "past its expectation", "safe repair", "next step")


def stuck_table(fleet: Fleet, verdicts: Verdicts, without: Mapping[str, NoRepair]) -> str:
    """Return the jobs that need help or cannot be told, oldest first; `without`: why there is no repair, by job id.

    Below it what was asked, and folded: jobs that were not judged, healthy ones, abandoned uploads.
    """
    judged = [(job, verdicts[job.row.job_id]) for job in _oldest_first(fleet.jobs) if job.row.job_id in verdicts]
    stuck = [(job, verdict) for job, verdict in judged if verdict.severity != "ok"]
    rows = "".join(_stuck_row(fleet, job, verdict, without.get(job.row.job_id)) for job, verdict in stuck)
    shown = html_table(STUCK, rows) if stuck else "<p>No judged job is stuck.</p>"
    folds = [
        _folded("open job", "not judged", fleet, [(job, None) for job in fleet.not_judged(verdicts)]),
        _folded("open job", "healthy", fleet, [one for one in judged if one[1].severity == "ok"]),
        _apart("abandoned upload", "created, never uploaded, the link is over", fleet.abandoned),
        _apart("job", "created long ago, its source not read", fleet.not_looked_for),
    ]
    return f'{shown}<p class="small">{safe(fleet.coverage(verdicts))}</p>{"".join(folds)}'


def not_repaired(without: Mapping[str, NoRepair], verdicts: Verdicts) -> str:
    """Return why the stuck jobs without a repair have none, and whom to call; a sentence where there is none."""
    told = [(job_id, why) for job_id, why in without.items() if verdicts[job_id].severity != "ok"]
    if not told:
        return "<p>No stuck job is left without a repair.</p>"
    rows = "".join(
        f"<tr><td><b>{safe(verdicts[job_id].name)}</b><br><code>{safe(job_id)}</code></td>"
        f"<td>{safe(why.reason)}</td><td>{safe(why.whom_to_call)}</td></tr>"
        for job_id, why in told
    )
    return f"<p>Without a safe repair:</p>{html_table(('job', 'why not', 'whom to call'), rows)}"


def _stuck_row(fleet: Fleet, job: OpenJob, verdict: Verdict, why_not: NoRepair | None) -> str:
    row = job.row
    until = f" Wait until {verdict.wait_until:%Y-%m-%d %H:%M} UTC." if verdict.wait_until else ""
    cells = (
        badge(verdict.severity),
        f'<b>{safe(verdict.name)}</b><br><code>{safe(row.job_id)}</code><span class="small">{safe(row.status)}</span>',
        f"{_on_a_phone('created ')}{safe(_ago(fleet, row))}"
        f'<span class="small time">{safe(cell_text(row.created_at))}</span>',
        _late(job),
        _on_a_phone("safe repair: ") + _repair(why_not),
        f"{safe(verdict.next_step)}{safe(until)}",
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _on_a_phone(name: str) -> str:
    """Return what names a cell where the table's head is not shown."""
    return f'<span class="narrow">{name}</span>'


def _repair(why_not: NoRepair | None) -> str:
    if why_not is None:
        return "<b>yes</b>"
    nobody = {NOBODY: "no", NOT_YET: "not yet"}.get(why_not.whom_to_call)
    return nobody or f"no; call {safe(why_not.whom_to_call)}"


def _late(job: OpenJob) -> str:
    if job.late is not None:
        return f"{words(job.late.total_seconds())}{_why(job)}"
    due = job.expectation.due
    return f"{f'not before {due:%Y-%m-%d %H:%M}' if due else 'not known'}{_why(job)}"


def _why(job: OpenJob) -> str:
    return f'<span class="small">{safe(job.expectation.why)}</span>'


def _folded(noun: str, what: str, fleet: Fleet, jobs: list[tuple[OpenJob, Verdict | None]]) -> str:
    if not jobs:
        return ""
    data = [
        (
            job.row.job_id,
            job.row.status,
            verdict.name if verdict else "not judged",
            job.row.created_at,
            "past" if job.late else "within" if job.expectation.due else "not known",
        )
        for job, verdict in jobs
    ]
    frame = pd.DataFrame(data, columns=["job", "status", "verdict", "created", "expectation"])
    return folded_away(f"{counted(jobs, noun)} {what}", table(frame, most=MOST))


def _apart(noun: str, what: str, rows: tuple[JobRow, ...]) -> str:
    if not rows:
        return ""
    frame = pd.DataFrame([(row.job_id, row.created_at) for row in rows], columns=["job", "created"])
    return folded_away(f"{counted(rows, noun)}: {what}", table(frame, most=MOST))


def _oldest_first(jobs: Iterable[OpenJob]) -> list[OpenJob]:
    return sorted(jobs, key=lambda job: by_age(job.row))


def _ago(fleet: Fleet, row: JobRow) -> str:
    return f"{words((fleet.now - row.created_at).total_seconds())} ago" if row.created_at else "not known"
