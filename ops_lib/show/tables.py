"""HTML for people: banner, status, findings, verdict, tables. Every value is redacted and escaped here."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime
from shlex import quote
from types import MappingProxyType

import pandas as pd

from ops_lib.decide.case import spans, words
from ops_lib.decide.findings import Finding, status_of, worst_first
from ops_lib.decide.pace import Pace
from ops_lib.decide.verdict import Verdict
from ops_lib.decide.vocabulary import FAILURE_MODES, Severity
from ops_lib.evidence import Unread
from ops_lib.log_format import last_words
from ops_lib.places import ops_command
from ops_lib.show.redact import printable, redact, safe

SENTENCES: dict[Severity, str] = {
    "ok": "Nothing here needs you.",
    "warning": "Look at it today.",
    "critical": "Something needs you now.",
    "unknown": "It cannot be told whether something needs you.",
}


def badge(severity: str) -> str:
    """Return a severity as a coloured word: never colour alone."""
    return f'<span class="badge {safe(severity)}">{safe(severity)}</span>'


def banner(label: str | None, facts: Mapping[str, object]) -> str:
    """Return the line that says where one is; `label` (SANDBOX ...) stands first and large."""
    kind = "banner sandbox" if label else "banner"
    head = f"<strong>{safe(label)}</strong> " if label else ""
    told = " &middot; ".join(f"{safe(name)} <b>{safe(value)}</b>" for name, value in facts.items())
    return f'<div class="{kind}">{head}{told}</div>'


def status_card(findings: Iterable[Finding], unread: Mapping[str, Unread], verdict: Verdict | None = None) -> str:
    """Return the answer in a line or two: status, how many of each, what was not read, one job's verdict."""
    found = list(findings)
    status = status_of(found)
    counts = {s: sum(f.severity == s and f.accepted is None for f in found) for s in ("critical", "unknown", "warning")}
    told = ", ".join(_so_many(severity, count) for severity, count in counts.items() if count) or "No open finding"
    reads = "1 read" if len(unread) == 1 else f"{len(unread)} reads"
    not_read = f' <span class="small">{reads} did not succeed; see below.</span>' if unread else ""
    head = f"{badge(status)} <b>{SENTENCES[status]}</b> {told}.{not_read}"
    if verdict:
        head += f"<p><b>{safe(verdict.name)}</b>: {safe(verdict.summary)} {safe(verdict.next_step)}</p>"
    return f'<div class="verdict {status}">{head}</div>'


def _so_many(severity: str, count: int) -> str:
    """Return "2 critical", "1 warning", "4 warnings": only one of the words is a noun."""
    return f"{count} {severity}{'s' if severity == 'warning' and count > 1 else ''}"


def findings_table(
    findings: Iterable[Finding], *, all_of_them: bool = True, marks: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Return the findings, worst first; with `all_of_them` False those that count, evidence and the rest folded.

    `marks`: by id what has changed about a finding since the last report.
    """
    ordered = worst_first(findings)
    if all_of_them:
        return _rows(ordered, marks)
    counting = [f for f in ordered if f.severity in ("critical", "unknown", "warning") and f.accepted is None]
    rest = [f for f in ordered if f not in counting]
    folded = folded_away(f"{len(rest)} more: notes, accepted, ok", _rows(rest)) if rest else ""
    return (_rows(counting, marks, fold_evidence=True) if counting else "") + folded


def verdict_card(verdict: Verdict, job_id: str) -> str:
    """Return the verdict as one screen: name, what happened, safe next step, what would be unsafe, the facts."""
    lines = [
        f'<div class="verdict {verdict.severity}">{badge(verdict.severity)} <b>{safe(verdict.name)}</b>'
        f' <span class="small">confidence {verdict.confidence} &middot; job {safe(job_id)}</span>',
        f"<p>{safe(verdict.summary)}</p>",
        f"<p><b>Next safe step:</b> {safe(verdict.next_step)}</p>",
    ]
    if verdict.wait_until:
        lines.append(f"<p><b>Wait until</b> {verdict.wait_until:%Y-%m-%d %H:%M:%S} UTC, then look again.</p>")
    if len(verdict.candidates) > 1:
        lines.append(f"<p><b>It may be:</b> {safe(', '.join(verdict.candidates))}</p>")
    lines.append(
        f"<p><b>Safe:</b> {_actions(verdict.safe_actions)} <b>Unsafe:</b> {_actions(verdict.unsafe_actions)}</p>"
    )
    lines.append(f"<ul>{''.join(f'<li>{safe(fact)}</li>' for fact in verdict.because)}</ul>")
    if verdict.missing_segments:
        lines.append(f"<p>Missing segments: {spans(verdict.missing_segments)}</p>")
    modes = "; ".join(FAILURE_MODES[mode] for mode in verdict.failure_modes)
    return "".join(lines) + (f'<p class="small">Failure modes: {safe(modes)}</p></div>' if modes else "</div>")


def unread_table(unread: Mapping[str, Unread]) -> str:
    """Return what was not read, why, and what to do; a sentence when everything was read."""
    if not unread:
        return '<p class="small">Everything asked for was read.</p>'
    rows = "".join(
        f"<tr><td>{badge('unknown')}</td><td>{safe(name)}</td><td>{safe(part.reason)}</td>"
        f"<td>{safe(part.next_step)}</td></tr>"
        for name, part in sorted(unread.items())
    )
    return html_table(("", "not read", "reason", "next step"), rows)


def table(frame: pd.DataFrame, *, most: int = 60) -> str:
    """Return a DataFrame as a table, times as UTC, missing values as "not known"; at most `most` rows, said so."""
    columns = [str(name).replace("_", " ") for name in frame.columns]
    body = "".join(
        f"<tr>{''.join(f'<td>{safe(cell_text(value))}</td>' for value in row)}</tr>"
        for row in frame.head(most).itertuples(index=False)
    )
    more = len(frame) - most
    rest = f'<p class="small">{more} more rows are not shown.</p>' if more > 0 else ""
    return html_table(columns, body) + rest


def log_table(lines: pd.DataFrame, *, newest: int = 40, most: int = 2000, name: str = "lines") -> str:
    """Return a job's lines (frames.log_lines): the newest at once, all of them folded below.

    `name`: what the rows are, where some of them are no lines. Below a line with a traceback stands the exception,
    and the whole traceback folded.
    """
    told = [_log_row(row) for row in lines.to_dict("records")]
    columns = [name for name in lines.columns if name != "traceback"]
    shown = html_table(columns, "".join(told[-newest:]))
    if len(told) <= newest:
        return shown
    rest = f'<p class="small">{len(told) - most} older {name} are not shown.</p>' if len(told) > most else ""
    everything = folded_away(f"all {len(told)} {name}", html_table(columns, "".join(told[-most:])) + rest)
    return f'<p class="small">The newest {newest} of {len(told)} {name}.</p>{shown}{everything}'


def _log_row(row: Mapping[Hashable, object]) -> str:
    traceback = redact(printable(str(row.get("traceback", ""))))  # before one of its lines is taken alone
    cells = [safe(cell_text(value)) for name, value in row.items() if name != "traceback"]
    if traceback:
        words = last_words(traceback.splitlines())
        cells[-1] += f"<br><b>{safe(words)}</b>" if words else ""
        cells[-1] += folded_away("whole traceback", f"<pre>{safe(traceback)}</pre>")
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def pace_line(pace: Pace) -> str:
    """Return one sentence on a job's pace: stalled since when, or when it should be done."""
    if not pace.missing:
        return "<p>Every segment is recorded.</p>" if pace.recorded else "<p>No segment of this job is known.</p>"
    missing = "1 segment is missing" if pace.missing == 1 else f"{pace.missing} segments are missing"
    if pace.stall:
        silent = words((pace.stall[1] - pace.stall[0]).total_seconds())
        return f"<p><b>Stalled:</b> nothing recorded for {silent}; {missing}.</p>"
    if pace.eta and pace.eta_range:
        low, high = pace.eta_range
        return f"<p>At its own pace done about {pace.eta:%H:%M} UTC ({low:%H:%M} to {high:%H:%M}).</p>"
    return f"<p>{missing}; too few are recorded to measure a pace.</p>"


def folded_away(title: str, inside: str) -> str:
    """Return `inside` behind a line one clicks."""
    return f"<details><summary>{safe(title)}</summary>{inside}</details>"


def _rows(
    findings: Iterable[Finding], marks: Mapping[str, str] = MappingProxyType({}), *, fold_evidence: bool = False
) -> str:
    rows = "".join(_finding_row(finding, fold_evidence, marks.get(finding.id, "")) for finding in findings)
    return html_table(("", "finding", "next step"), rows)


def _finding_row(finding: Finding, fold_evidence: bool, mark: str = "") -> str:
    facts = "".join(f"<li>{safe(fact)}</li>" for fact in finding.evidence)
    evidence = f"<ul>{facts}</ul>" if facts else ""
    said = (f"<b>{safe(mark[:1].upper() + mark[1:])}.</b> " if mark else "") + safe(finding.summary)
    said += folded_away("evidence", evidence) if fold_evidence and facts else evidence
    if finding.accepted:
        said += f'<p class="small">Accepted: {safe(finding.accepted)}</p>'
    opened = ""
    if finding.notebook:
        opened = f"<br>{open_command(finding.notebook, finding.parameters)}"
    where = f'<span class="small">{safe(finding.section)} &middot; {safe(finding.id)}</span>'
    return (
        f"<tr><td>{badge(finding.severity)}</td><td>{said}{where}</td><td>{safe(finding.next_step)}{opened}</td></tr>"
    )


def open_command(notebook: str, parameters: Mapping[str, str]) -> str:
    """Return as HTML the command that opens a notebook with these parameters, to be copied into a terminal."""
    return f"<code>{safe(ops_command())} open {safe(notebook)}{''.join(map(_option, parameters.items()))}</code>"


def _option(parameter: tuple[str, str]) -> str:
    """Return one parameter as a shell takes it: a person copies the line into a terminal."""
    name, value = parameter
    return f" -e {safe(quote(value))}" if name == "environment" else f" -p {safe(name)}={safe(quote(value))}"


def html_table(columns: Iterable[str], body: str) -> str:
    """Return a table around rows that are HTML already."""
    head = "".join(f"<th>{safe(name)}</th>" for name in columns)
    return f'<div class="scroll"><table class="ops"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _actions(actions: Iterable[str]) -> str:
    return ", ".join(f"<code>{safe(action)}</code>" for action in actions) or "none"


def cell_text(value: object) -> str:
    """Return one value of a DataFrame as people read it; a missing one is "not known"."""
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return "not known"
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
