"""Where reviewed plans lie: one file each, readable by its owner only, and whether a file may be applied.

A plan that another has replaced gets a second file beside it, `<id>.outdated`, that says why it is not applied.
"""

from __future__ import annotations

import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from ops_lib.change.plan import VALID_FOR, BadPlan, Plan, plan_from, same_code
from ops_lib.errors import BadPlanFile, PlanExpired, PlanOutdated, WrongCode, WrongCount
from ops_lib.settings import Settings

ANEW = "run the notebook again and review the plan that it makes"
CLOCKS_DIFFER = timedelta(minutes=5)


def write(plan: Plan, settings: Settings) -> Path:
    """Write the plan to `<state>/plans/<id>.json` and return that path; a reader sees all of it or nothing.

    It is the plan to apply from now on, also if it was outdated before.
    """
    folder = settings.state / "plans"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{plan.id}.json"
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{plan.id}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(plan.canonical() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    renew(plan, settings)
    return path


def outdate(plan: Plan, settings: Settings, why: str) -> None:
    """Let the plan not be applied any more, for this reason; what has begun of it ends."""
    _mark(plan, settings).write_text(why, encoding="utf-8")


def renew(plan: Plan, settings: Settings) -> None:
    """Let the plan be applied again."""
    _mark(plan, settings).unlink(missing_ok=True)


def require_current(plan: Plan, settings: Settings) -> None:
    """Raise PlanOutdated for a plan that was outdated."""
    try:
        why = _mark(plan, settings).read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    raise PlanOutdated("plan", plan.title, f"{why}; nothing was sent", f"apply the newer plan, or {ANEW}")


def _mark(plan: Plan, settings: Settings) -> Path:
    return settings.state / "plans" / f"{plan.id}.outdated"


def read(path: Path, code: str) -> Plan:
    """Return the plan in a file, if `code` is its code. Raises BadPlanFile, WrongCode."""
    try:
        plan = plan_from(path.read_bytes())
    except OSError as error:
        why = f"it cannot be read ({error.strerror})"
        raise BadPlanFile("plan file", str(path), why, "give the path that the review showed") from None
    except BadPlan as bad:
        raise BadPlanFile("plan file", str(path), str(bad), ANEW) from None
    if not plan.steps:
        raise BadPlanFile("plan file", str(path), "it has no step", ANEW)
    if not same_code(code, plan):
        rule = f"it is not the code of the plan {plan.title!r}, or the plan was edited after it was reviewed"
        raise WrongCode("--code", code, rule, f"type the code that the review showed, or {ANEW}")
    return plan


def require_count(plan: Plan, count: int | None) -> None:
    """Raise WrongCount unless `count` is how many letters the plan purges: None for a plan that purges nothing."""
    if count == plan.count:
        return
    if plan.count is None:
        raise WrongCount("--count", count, "this plan purges no queue", "leave it out")
    rule = "this plan purges a queue, and this is not how many dead letters it deletes"
    raise WrongCount("--count", count, rule, "read the plan again and give that number with --count")


def require_fresh(plan: Plan, now: datetime) -> None:
    """Raise PlanExpired for a plan older than half an hour, or one from the future: a clock is wrong."""
    if now > plan.expires:
        minutes = VALID_FOR.seconds // 60
        rule = f"a plan may be applied for {minutes} minutes, and it is {now:%Y-%m-%d %H:%M:%S} UTC"
        raise PlanExpired("plan made at", f"{plan.now:%Y-%m-%d %H:%M:%S} UTC", rule, ANEW)
    if plan.now > now + CLOCKS_DIFFER:
        rule = f"it is {now:%Y-%m-%d %H:%M:%S} UTC: a clock is wrong"
        raise PlanExpired("plan made at", f"{plan.now:%Y-%m-%d %H:%M:%S} UTC", rule, f"set the clock, then {ANEW}")
