"""What a terminal says of a run: what changed first, every plan with its steps, and why another there is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ops_lib.show import plan_tables, terminal
from ops_lib.show.headless import Run
from tests.show.plans import plan

SINCE = "2026-02-19T06:00:00+00:00"


def finding(name: str, severity: str = "warning") -> dict[str, Any]:
    return {"id": name, "severity": severity, "summary": f"It is {name}.", "accepted": None}


def told(plans: tuple[dict[str, Any], ...] = (), without: tuple[str, ...] = (), **content: Any) -> str:
    usual = {"environment": "prod", "generated_at": "2026-02-20T06:00:00+00:00", "status": "ok"}
    done = Run(Path("/out"), usual | {"findings": [], "unread": []} | content, 0, plans, None, without)
    return "\n".join(terminal.told(done, lambda severity: severity))


def news(*changes: tuple[str, str], since: str | None = SINCE, unread: str | None = None) -> dict[str, Any]:
    listed = [{"id": name, "kind": kind, "words": "so it is"} for name, kind in changes]
    return {"since": since, "unread": unread, "changes": listed}


def test_what_changed_stands_before_the_findings_and_beside_them() -> None:
    said = told(findings=[finding("late"), finding("old")], news=news(("late", "new"), ("job", "gone")))
    lines = said.splitlines()
    assert lines[1] == "  since 2026-02-19 06:00 UTC: 1 new, 1 gone"
    assert lines[2] == "  gone: job: so it is"
    assert "  warning  new: It is late." in lines
    assert "  warning  It is old." in lines


def test_what_was_not_read_is_never_called_gone() -> None:
    said = told(news=news(("job", "hidden")))
    assert "1 not known any more" in said
    assert "gone" not in said


def test_without_an_earlier_report_or_where_it_was_not_read_that_is_said() -> None:
    assert "no earlier report" in told(news=news(since=None))
    assert "what changed is not known: denied" in told(news=news(since=None, unread="denied"))
    assert "nothing has changed" in told(news=news())
    assert "report to compare" not in told()


def test_of_what_was_denied_it_says_the_call_and_what_to_do() -> None:
    reason = "access denied: An error occurred (AccessDeniedException) when calling the StartQuery operation: User: a"
    part = {"what": "lines", "source": "logs:StartQuery", "reason": reason, "next_step": "add it to the reader role"}
    said = told(unread=[part])
    assert "not read: lines: access denied (logs:StartQuery). Next: add it to the reader role" in said
    assert "An error occurred" not in said
    assert "not read: lines: it was cut off" in told(unread=[part | {"reason": "it was cut off"}])


def test_a_plan_is_told_by_its_steps_and_one_that_there_is_not_by_its_reason() -> None:
    made = plan_tables.for_a_terminal(plan(), Path("/state/plans/1.json"), "prod")
    lines = told((made,), ("99 is outside of the bounds.",)).splitlines()
    assert "no plan: 99 is outside of the bounds." in lines
    first = lines.index(f"plan, not applied: {plan().title}")
    assert lines[first + 1] == f"  reason: {plan().reason}"
    assert lines[first + 2 : first + 4] == ["  1. Put the trigger lock", "  2. Send the message"]
    assert "ops apply /state/plans/1.json --code" in lines[first + 4]


def test_a_title_is_one_line_of_the_terminal() -> None:
    made = plan_tables.for_a_terminal(plan("\x1b[2J\nplan, not applied: another"), Path("/1.json"), "prod")
    said = told((made,))
    assert "\x1b" not in said
    assert "\nplan, not applied: another" not in said
