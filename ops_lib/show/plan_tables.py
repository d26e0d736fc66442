"""A plan as HTML: what changes, what could go wrong, the exact calls folded; or why there is none, and whom to call."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from ops_lib.change.aws_command import aws_command
from ops_lib.change.plan import Call, Condition, Plan, Step
from ops_lib.decide.repairs.names import NOBODY, NOT_YET, NOTHING_CHOSEN, REFUSED, NoRepair
from ops_lib.places import ops_command
from ops_lib.show import letter_calls
from ops_lib.show.redact import on_one_line, safe
from ops_lib.show.tables import folded_away

OUTDATED = '<span class="badge warning">the choice has changed: run this cell again</span>'
MOST_OPEN = 6  # steps about letters that are shown at once
KINDS = ("letters", "call", "dead-letter queue", "what could go wrong", "how to undo it")
_NOBODY = {
    NOTHING_CHOSEN: ("No plan.", "Look and choose first, if there is anything."),
    NOBODY: ("Nothing has to be changed.", "Nobody has to be called."),
    REFUSED: ("This change is refused.", "Nothing was planned, nothing is changed."),
    NOT_YET: (
        "Not yet: something has to be done first.",
        "Do what the reason names, then run this again.",
    ),
}
COLUMNS = ("", "what is done", "before → after", "what could go wrong", "how to undo it")


def plan_table(plan: Plan, endpoint_url: str | None) -> str:
    """Return every step: the change in words, and its exact call and `aws` command behind a line one clicks."""
    rows = "".join(_rows(number, step, endpoint_url, plan.region) for number, step in enumerate(plan.steps, 1))
    later = "; ".join(dict.fromkeys(one.what for one in plan.verified_by))
    when = "Some time afterwards, of each job" if len(plan.job_ids) > 1 else "Some time afterwards"
    then = f"<p><b>{when}:</b> {safe(later)}.</p>" if later else ""
    steps = _table(COLUMNS, rows)
    if len(plan.steps) > MOST_OPEN and all(step.letter for step in plan.steps):
        every = f"all {len(plan.steps)} steps, each with its exact calls"
        steps = _table(KINDS, _kinds(plan.steps)) + folded_away(every, steps)
    return f'<div class="plan"><b>{safe(plan.title)}</b>{steps}{then}</div>'


def approval(plan: Plan) -> str:
    """Return what approving takes: the code, until when it holds, and where it changes something."""
    where = f"{plan.environment}, account {plan.account_id}, {plan.region}"
    also = "<span>type <b>how many dead letters it deletes</b> besides the code</span>" if plan.count else ""
    return (
        f'<div class="approve"><span>code of this plan <b class="code">{safe(plan.code)}</b></span>'
        f"<span>changes <b>{safe(where)}</b></span>{also}"
        f"<span>valid until <b>{plan.expires:%H:%M} UTC</b> on {plan.expires:%Y-%m-%d}</span></div>"
    )


def by_hand(plan: Plan, path: Path, environment: str) -> str:
    """Return the command that applies the plan from a terminal; a purge's count is left to be typed."""
    typed = command_line(plan, path, environment) + (" --count N" if plan.count else "")
    count = " where N is how many dead letters it deletes" if plan.count else ""
    return f'<p class="small">From a terminal: <code>{safe(typed)}</code>{count}</p>'


def replaced(plan: Plan, path: Path) -> str:
    """Return what is to be known about the plan before the reason was edited: its file is not applied any more."""
    return (
        f'<p class="small">This plan replaces <code>{safe(plan.code)}</code>, whose reason was: {safe(plan.reason)}. '
        f"That one, <code>{safe(str(path))}</code>, is not applied any more.</p>"
    )


def reason_line(plan: Plan) -> str:
    """Return why, as the journal will say it."""
    return f"<p><b>Reason:</b> {safe(plan.reason)}</p>"


def command_line(plan: Plan, path: Path, environment: str) -> str:
    """Return the command to type; `environment` is what `-e` takes."""
    return f"{ops_command()} {shlex.join(['apply', str(path), '--code', plan.code, '-e', environment])}"


def no_repair_card(answer: NoRepair) -> str:
    """Return the calm answer where nothing is to be changed: why, and who can help."""
    call = f"<b>Call:</b> {safe(answer.whom_to_call)}"
    headline, whom = _NOBODY.get(answer.whom_to_call, ("There is no safe repair here.", call))
    return (
        f'<div class="verdict note"><span class="badge note">no repair</span> <b>{headline}</b>'
        f"<p>{_with_names(answer.reason)}</p><p>{whom}</p></div>"
    )


def _with_names(reason: str) -> str:
    """Return the reason as HTML, names of parameters between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", safe(reason))


def broken_card(what: str, error: BaseException) -> str:
    """Return that something of ours failed, in the error's own words; nobody reads a traceback at 03:00."""
    words = " ".join(str(error).split()) or "no words"
    return (
        f'<div class="verdict critical"><span class="badge critical">failed</span> <b>{safe(what)}</b>'
        f"<p>{safe(type(error).__name__)}: {safe(words)}</p></div>"
    )


def for_a_terminal(plan: Plan, path: Path, environment: str) -> dict[str, object]:
    """Return what a terminal shows of a plan: a title alone does not tell a repair from what takes it back."""
    steps = [f"{number}. {on_one_line(step.title)}" for number, step in enumerate(plan.steps[:MOST_OPEN], 1)]
    more = len(plan.steps) - MOST_OPEN
    return {
        "title": on_one_line(plan.title),
        "reason": on_one_line(plan.reason),
        "steps": [*steps, f"and {more} more"] if more > 0 else steps,
        "apply": command_line(plan, path, environment),
        "purges": bool(plan.count),
    }


def _table(columns: Iterable[str], rows: str) -> str:
    head = "".join(f"<th>{safe(name)}</th>" for name in columns)
    table = f'<table class="ops plan"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def _kinds(steps: Iterable[Step]) -> str:
    """Return a row for all steps that move letters of one queue alike: a plan of hundreds must stay readable."""
    counts: dict[tuple[str, str, str, str], int] = {}
    for step in steps:
        queue = step.letter.queue_url.rsplit("/", 1)[-1] if step.letter else ""
        kind = (step.call.name, queue, step.risk, step.undo or "It cannot be undone.")
        counts[kind] = counts.get(kind, 0) + 1
    return "".join(
        f"<tr><td><b>{count}</b></td>{''.join(f'<td>{safe(part)}</td>' for part in kind)}</tr>"
        for kind, count in counts.items()
    )


def _rows(number: int, step: Step, endpoint_url: str | None, region: str) -> str:
    undo = step.undo or "It cannot be undone."
    return (
        f"<tr><td>{number}</td><td><b>{safe(step.title)}</b></td>"
        f"<td>{safe(step.before)} <b>→</b> {safe(step.after)}</td><td>{safe(step.risk)}</td><td>{safe(undo)}</td></tr>"
        f'<tr class="exact"><td></td><td colspan="4">{_exactly(step, endpoint_url, region)}</td></tr>'
    )


def _exactly(step: Step, endpoint_url: str | None, region: str) -> str:
    letter = step.letter
    parts = [
        letter_calls.calls(step, letter, endpoint_url, region) if letter else _call(step.call, endpoint_url, region),
        _conditions("Read again just before; if it is not so, nothing is sent:", step.conditions),
        _conditions("It is done when:", (step.done_when,) if step.done_when else ()),
        f'<p class="small">{safe(_twice(step))}</p>',
    ]
    title = f"the exact calls: {letter_calls.name(step)}" if letter else f"the exact call: {step.call.name}"
    return folded_away(title, "".join(parts))


def _call(call: Call, endpoint_url: str | None, region: str) -> str:
    arguments = json.dumps(call.arguments, indent=2, ensure_ascii=False, default=str)
    return (
        f"<pre>{safe(call.name)} {safe(arguments)}</pre>"
        '<p class="small">the same by hand, without any of the checks:</p>'
        f"<pre>{safe(aws_command(call, endpoint_url, region))}</pre>"
    )


def _conditions(title: str, conditions: tuple[Condition, ...]) -> str:
    if not conditions:
        return ""
    told = "".join(
        f"<li>{safe(one.what)} <code>{safe(one.call.name)}: {safe(one.path)} = "
        f"{safe(json.dumps(one.expected, ensure_ascii=False, default=str))}</code></li>"
        for one in conditions
    )
    return f'<div class="small">{safe(title)}<ul>{told}</ul></div>'


def _twice(step: Step) -> str:
    if step.harmless_twice:
        return f"Doing it twice does no harm.{f' What it may double: {step.doubles}.' if step.doubles else ''}"
    return "It is sent once; where its answer is lost it is not sent again."
