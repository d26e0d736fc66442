"""What changed since the last report, as the first thing a reader sees; and as data beside the findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from ops_lib.aws import Aws
from ops_lib.decide.case import words
from ops_lib.decide.changes import KINDS, Change, Changes, Kind, changes_since, past_run, title
from ops_lib.decide.checks import counted
from ops_lib.decide.findings import Finding
from ops_lib.evidence import Evidence, Read, Unread
from ops_lib.read.past_reports import STEP, read_past_reports
from ops_lib.show.redact import safe
from ops_lib.show.tables import badge, html_table

SEVERITY_OF: dict[Kind, str] = {"hidden": "unknown", "better": "ok", "gone": "ok", "flapping": "note"}


def read_news(
    aws: Aws, notebook: str, now: datetime, findings: Iterable[Finding], unread: Iterable[str]
) -> Evidence[Changes]:
    """Return what changed since the newest earlier report in the report store; unread where that cannot be read."""
    past = read_past_reports(aws, notebook, now)
    if isinstance(past, Unread):
        return past
    try:
        runs = [past_run(one) for one in past.value.reports]
    except ValueError as error:
        return Unread(past.source, "garbage", f"{error}: nothing can be compared with it", STEP)
    found = changes_since(runs, findings, unread)
    return Read(replace(found, ahead=past.value.ahead), past.source, past.at)


def news(changes: Evidence[Changes], now: datetime) -> str:
    """Return one sentence: how many are new, worse, better, gone and so on; and a table of what is no longer."""
    if isinstance(changes, Unread):
        why = f"{safe(changes.reason)}. {safe(changes.next_step)}."
        return f"<p>{badge('unknown')} What has changed since the last report is not known: {why}</p>"
    found = changes.value
    clock = _ahead(found.ahead)
    if found.since is None:
        first = "There is no earlier report to compare with" + ("." if clock else ": this is the first in its store.")
        return f'<p class="small">{first}</p>{clock}'
    ago = words((now - found.since).total_seconds())
    head = f"Since the report of {found.since:%Y-%m-%d %H:%M} UTC, {ago} ago"
    as_before = f"{counted(range(found.same), 'finding')} as before"
    if not found.all:
        return f"<p><b>{head}: nothing has changed.</b> {as_before}.</p>{clock}"
    told = ", ".join(f"{len(found.of(kind))} {title(kind)}" for kind in KINDS if found.of(kind))
    left = [change for change in found.all if change.now is None or not change.now.weight]
    rows = html_table(("", "not among the findings any more", "why"), "".join(map(_row, left))) if left else ""
    return f"<p><b>{head}: {told}.</b> {as_before}.</p>{clock}{rows}"


def marks(changes: Evidence[Changes]) -> dict[str, str]:
    """Return by the finding's id what is to stand beside it: new, worse and why, ..."""
    found = changes.value.all if isinstance(changes, Read) else ()
    return {
        one.id: title(one.kind) + ("" if one.kind == "new" and one.before is None else f", {one.words}")
        for one in found
    }


def as_data(changes: Evidence[Changes]) -> dict[str, Any]:
    """Return the changes as findings.json holds them; `since` null: nothing to compare with, or not read."""
    if isinstance(changes, Unread):
        return {"since": None, "changes": [], "unread": changes.reason}
    found = changes.value
    since = found.since.isoformat(timespec="seconds") if found.since else None
    listed = [{"id": one.id, "kind": one.kind, "words": one.words} for one in found.all]
    return {"since": since, "changes": listed, "unread": None}


def _ahead(count: int) -> str:
    """Return that reports from the future were left out, "" where there are none."""
    if not count:
        return ""
    told = counted(range(count), "report") + (" is" if count == 1 else " are")
    return f"<p>{badge('warning')} {told} dated after this one and not compared with: somebody's clock is wrong.</p>"


def _row(change: Change) -> str:
    severity = SEVERITY_OF.get(change.kind, change.told.severity)
    mark = f'<span class="badge {severity}">{safe(title(change.kind))}</span>'
    where = f'<span class="small">{safe(change.id)}</span>'
    return f"<tr><td>{mark}</td><td>{safe(change.told.summary)}{where}</td><td>{safe(change.words)}</td></tr>"
