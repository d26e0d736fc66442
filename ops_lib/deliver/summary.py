"""A report in a few lines of plain text, for a chat or a mail: the answer, what changed, the worst, where it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ops_lib.redaction import printable, redact

MOST_FINDINGS = 8
MOST_LINE = 500
# AWS: SNS Publish: a subject is ASCII text of less than 100 characters without line breaks.
MOST_SUBJECT = 99
# Of the kinds of change, those whose name in findings.json is not how people read it.
TITLES = {"hidden": "not known any more"}
COUNTING = ("critical", "unknown", "warning")


def subject(content: Mapping[str, Any]) -> str:
    """Return the first line: environment, status and how many."""
    told = _line(f"[{content['environment']}] {content['status']}: {_counts(content)}")
    return told.encode("ascii", "replace").decode()[:MOST_SUBJECT]


def summary(content: Mapping[str, Any], where: str) -> str:
    """Return the text; `content`: the findings document, `where`: the report's address or path."""
    lines = [_line(f"[{content['environment']}] {content['status']}: {_counts(content)}")]
    lines += _news(content)
    marks = {one["id"]: TITLES.get(one["kind"], one["kind"]) for one in content.get("news", {}).get("changes", [])}
    counted = [one for one in content["findings"] if one["severity"] in COUNTING and not one["accepted"]]
    for one in counted[:MOST_FINDINGS]:
        mark = f" ({marks[one['id']]})" if one["id"] in marks else ""
        lines.append(_line(f"- {one['severity']}{mark}: {one['summary']}"))
    if len(counted) > MOST_FINDINGS:
        lines.append(f"- and {len(counted) - MOST_FINDINGS} more")
    if unread := content["unread"]:
        lines.append(_line(f"not read: {', '.join(one['what'] for one in unread[:3])}{_more(len(unread) - 3)}"))
    return "\n".join([*(_short(line) for line in lines), _line(f"report: {where}")])


def _news(content: Mapping[str, Any]) -> list[str]:
    told = content.get("news")
    if not told:
        return []
    if told["unread"]:
        return [_line(f"what changed is not known: {told['unread']}")]
    if told["since"] is None:
        return ["no earlier report to compare with"]
    kinds = [one["kind"] for one in told["changes"]]
    each = ", ".join(f"{kinds.count(kind)} {TITLES.get(kind, kind)}" for kind in dict.fromkeys(kinds))
    return [f"since {told['since'][:16].replace('T', ' ')} UTC: {each or 'nothing has changed'}"]


def _counts(content: Mapping[str, Any]) -> str:
    open_ones = [one["severity"] for one in content["findings"] if not one["accepted"]]
    told = [f"{open_ones.count(severity)} {severity}" for severity in COUNTING if severity in open_ones]
    return ", ".join(told) or "nothing needs anybody"


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def _short(line: str) -> str:
    return line if len(line) <= MOST_LINE else f"{line[:MOST_LINE]}..."


def _line(text: str) -> str:
    """Return text that came from AWS as one line without secrets and control characters."""
    return printable(" ".join(redact(text).split()))
