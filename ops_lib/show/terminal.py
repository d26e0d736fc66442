"""What a terminal says of a run: status, what changed, findings, what was not read, the plans or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ops_lib.decide.changes import title
from ops_lib.show.findings_file import when

if TYPE_CHECKING:
    from ops_lib.show.headless import Run

GONE = ("gone", "hidden")  # of these no finding is left to carry the mark


def told(done: Run, colour: Callable[[str], str]) -> Iterator[str]:
    """Yield the lines; `colour` returns a severity as the terminal shows it."""
    content = done.content
    yield f"{content['environment']}  {when(content)}  status: {colour(content['status'])}"
    yield from _news(content)
    if verdict := content.get("verdict"):
        yield f"  verdict: {verdict['name']} (confidence {verdict['confidence']}). {verdict['summary']}"
        yield f"  safe: {', '.join(verdict['safe_actions']) or 'none'}"
    marks = {one["id"]: f"{title(one['kind'])}: " for one in _changes(content)}
    for finding in content["findings"]:
        mark = " (accepted)" if finding["accepted"] else ""
        yield f"  {colour(finding['severity'])}  {marks.get(finding['id'], '')}{finding['summary']}{mark}"
    for part in content["unread"]:
        yield f"  {colour('unknown')}  not read: {part['what']}: {_short(part)}"
    yield from _plans(done)
    if done.bundle:
        yield f"\nevidence: {done.bundle}"
    yield f"\nreport: {done.report}"


def _news(content: Mapping[str, Any]) -> Iterator[str]:
    news = content.get("news")
    if not news:
        return
    if news["unread"]:
        yield f"  what changed is not known: {news['unread']}"
        return
    if news["since"] is None:
        yield "  no earlier report to compare with"
        return
    kinds = [one["kind"] for one in news["changes"]]
    each = ", ".join(f"{kinds.count(kind)} {title(kind)}" for kind in dict.fromkeys(kinds))
    yield f"  since {news['since'][:16].replace('T', ' ')} UTC: {each or 'nothing has changed'}"
    there = {finding["id"] for finding in content["findings"]}
    for one in news["changes"]:
        if one["kind"] in GONE and one["id"] not in there:
            yield f"  {title(one['kind'])}: {one['id']}: {one['words']}"


def _changes(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list((content.get("news") or {}).get("changes", ()))


def _short(part: Mapping[str, str]) -> str:
    """Return why something was not read; of AWS's own words, which the report has, the call they are about."""
    words, error, _ = part["reason"].partition(": An error occurred (")
    return f"{words} ({part['source']}). Next: {part['next_step']}" if error else words


def _plans(done: Run) -> Iterator[str]:
    if done.without:
        yield ""
    yield from (f"no plan: {reason}" for reason in done.without)
    for plan in done.plans:
        yield f"\nplan, not applied: {plan['title']}"
        yield from (f"  {line}" for line in (f"reason: {plan['reason']}", *plan["steps"], plan["apply"]))
        if plan["purges"]:
            yield "  and --count, how many dead letters it deletes"
