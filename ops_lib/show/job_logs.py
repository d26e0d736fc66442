"""What 5_job_logs shows around the story: how complete it is, where to go on with it, what has come since."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ops_lib.decide.findings import WORST
from ops_lib.decide.log_events import Event
from ops_lib.decide.log_story import Story, log_story
from ops_lib.decide.story_findings import story_findings
from ops_lib.evidence import Unread
from ops_lib.log_rows import Coverage, size
from ops_lib.read.job_story import read_story
from ops_lib.show import story_figure
from ops_lib.show.console_link import insights_link, job_page
from ops_lib.show.log_export import export_story
from ops_lib.show.notebook import Runbook
from ops_lib.show.redact import safe
from ops_lib.show.review import somebody_is_there
from ops_lib.show.story_tables import clock, line_table, took
from ops_lib.show.tables import badge, findings_table, folded_away, log_table, open_command, status_card, table

NOT_HEADLESS = '<p class="small">Nobody is at this run, so nothing is read again.</p>'
NO_CONSOLE = "The console's address of this partition is not known here."
NO_WEB_UI = "The .env names no WEB_UI_URL."
EXPORT = "No file was written. To write one: set <code>export = True</code> above and run all cells again."


def answer_html(book: Runbook, story: Story, unread: Mapping[str, Unread]) -> str:
    """Return as HTML the first screen: whether it is the whole story, what in it needs somebody, what was not read."""
    found = book.about_here(story_findings(story))
    rest = [one for one in found if one.severity in WORST and not one.accepted]
    said = f"<p><b>{safe(story_figure.headline(story))}.</b> {safe(found[0].summary)}</p>"
    return status_card(found, unread).removesuffix("</div>") + f"{said}</div>" + (findings_table(rest) if rest else "")


def open_here(book: Runbook, job_id: str) -> str:
    """Return as HTML the command that opens a job's whole story."""
    where = {"environment": book.settings.name, "job_id": job_id}
    return f"<p>Every line, with phases and pauses: {open_command('5_job_logs', where)}</p>"


def coverage_html(story: Story) -> str:
    """Return as HTML whether every line is there, what may be lacking, and what was searched and scanned."""
    if story.unread:
        said = f"<b>The lines were not read:</b> {safe(story.unread.reason)}. Next: {safe(story.unread.next_step)}."
        return f'<div class="verdict unknown">{badge("unknown")} {said}</div>'
    whole = not story.lacking
    head = f"{len(story.lines)} lines, and none is lacking." if whole else "Lines may be lacking."
    listed = "".join(f"<li>{safe(one)}</li>" for one in story.lacking)
    card = f'<div class="verdict {"ok" if whole else "unknown"}">{badge("ok" if whole else "unknown")} <b>{head}</b>'
    card += (f"<ul>{listed}</ul>" if listed else "") + "</div>"
    if story.coverage is None:
        return card
    facts = _facts(story.coverage)
    frame = pd.DataFrame({"searched": list(facts), "": list(facts.values())}, dtype="object")
    return card + table(frame) + folded_away("the queries as they were sent", table(_queries(story.coverage)))


def _facts(coverage: Coverage) -> dict[str, str]:
    counted = coverage.statistics
    known = any(sent.statistics for sent in coverage.queries)
    lag = "not known" if coverage.lag_s is None else f"at most {took(coverage.lag_s)}"
    facts = {
        "log groups": ", ".join(coverage.groups),
        "window (UTC)": f"{clock(coverage.since)} to {clock(coverage.until)}",
        "settled until (UTC)": f"{clock(coverage.settled_until)}; later lines may still come (they took {lag})",
        "scanned": f"{size(counted.bytes_scanned)}, {counted.records_scanned:,} records" if known else "not told",
        "expected to be scanned": size(coverage.estimated_bytes),
        "quotas kept to": coverage.quotas.words() if coverage.quotas else "not told",
    }
    if coverage.quotas and coverage.quotas.unread:
        facts["Service Quotas"] = f"not read ({coverage.quotas.unread.reason}), so every quota is the settings'"
    if coverage.refused:
        facts["Logs Insights"] = f"refused ({coverage.refused.reason}); FilterLogEvents answered instead"
    return facts


def _queries(coverage: Coverage) -> pd.DataFrame:
    rows = [
        (sent.operation, sent.status, sent.rows, clock(sent.since), clock(sent.until), sent.text)
        for sent in coverage.queries
    ]
    return pd.DataFrame(rows, columns=["call", "status", "rows", "from", "until", "query"], dtype="object")


def links_html(book: Runbook, story: Story) -> str:
    """Return as HTML where to go on: the search in the console, the job in the web UI; why there is no address."""
    partition = book.aws.identity.arn.split(":")[1]
    console = story.coverage and insights_link(partition, book.settings.region, story.coverage, story.job_id)
    page = job_page(book.settings.web_ui_url, story.job_id)
    sandbox = " (a sandbox is not in it)" if "SANDBOX" in (book.label or "") else ""
    lines = (
        f"In the console of Logs Insights{sandbox}: {_link(console, 'this search') if console else NO_CONSOLE}",
        f"In the web UI: {_link(page, page) if page else NO_WEB_UI}",
    )
    return f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"


def _link(address: str, words: str) -> str:
    return f'<a href="{safe(address)}" rel="noopener noreferrer" target="_blank">{safe(words)}</a>'


def export_html(book: Runbook, story: Story) -> str:
    """Write the rows to a file where the parameter `export` says so; return as HTML which file, with its hash."""
    if not book.parameters.export:
        return f"<p>{EXPORT}</p>"
    told = export_story(story, book.settings, book.aws.identity.account_id)
    facts = {
        "rows": f"{told.rows} in {told.rows_file}",
        "where they come from": str(told.about_file),
        "SHA-256 of the rows": told.sha256,
        "secrets removed": told.secrets,
        "formulas made harmless": told.formulas,
    }
    return table(pd.DataFrame({"export": list(facts), "": list(facts.values())}, dtype="object"))


def look_again(book: Runbook, story: Story) -> None:
    """Search once more and show only what was not there before; without a person nothing is read again."""
    if not somebody_is_there():
        book.html(NOT_HEADLESS)
        return
    at = book.settings.now()
    again = log_story(read_story(book.aws, story.job_id, at, **book.parameters.window), at)
    new = since(story, again)
    book.html(f"<p><b>{len(new)} new</b> at {clock(at, whole=True)} UTC.</p>")
    if new:
        book.html(log_table(line_table(again, new)))
    book.html(coverage_html(again))


def since(before: Story, now: Story) -> list[Event]:
    """Return the events that were not there before, whatever their time: late lines come with an old one."""
    known = {_identity(event) for event in before.events}
    return [event for event in now.events if _identity(event) not in known]


def _identity(event: Event) -> tuple[object, ...]:
    return event.at, event.kind, event.stream, event.said
