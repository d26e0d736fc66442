"""Review a plan: with a person at the notebook it can be approved there; headless it is written and shown.

Nothing here changes anything. The safety is in `ops apply`, a process of its own, not in a button.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython
from IPython.display import HTML, DisplayHandle, display

from ops_lib.change import store
from ops_lib.change.plan import Plan
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.names import NOTHING_CHOSEN
from ops_lib.errors import OpsError
from ops_lib.settings import Settings
from ops_lib.show import plan_tables
from ops_lib.show.findings_file import NO_PLAN_MIME, PLAN_MIME
from ops_lib.show.redact import on_one_line

if TYPE_CHECKING:
    from ops_lib.show.approval import Approval
    from ops_lib.show.choice import Choice

# By the code of a cell: the run of it that was last, and what it offered.
_OFFERED: dict[str, tuple[str, list[Approval]]] = {}


PAST = (
    '<p class="small"><b>This is the past:</b> a plan made from an evidence bundle is neither written nor applied. '
    "Open the live environment to make one.</p>"
)


def review(plan: Plan | NoRepair, settings: Settings, choice: Choice[Any] | None = None) -> None:
    """Show the plan, written to its file, or why there is none; a person may then approve it.

    `choice`: what the plan was made from, where a person chooses it.
    """
    somebody = somebody_is_there()
    desks = _desks_of_this_run() if somebody else []
    if isinstance(plan, NoRepair):
        show_for(choice, plan_tables.no_repair_card(plan))
        if not somebody and plan.whom_to_call != NOTHING_CHOSEN:
            display({NO_PLAN_MIME: {"reason": on_one_line(plan.reason)}, "text/plain": "no plan"}, raw=True)
        return
    display(HTML(plan_tables.plan_table(plan, settings.endpoint_url)))
    if settings.bundle:
        display(HTML(PAST))
        return
    try:
        path = store.write(plan, settings)
    except (OSError, OpsError) as error:
        display(HTML(plan_tables.broken_card("The plan could not be written, so it cannot be applied.", error)))
        return
    if somebody:
        desks.append(_ask(plan, path, settings, choice))
    else:
        display(HTML(headless(plan, path, settings)))
        told = plan_tables.for_a_terminal(plan, path, settings.name)
        display({PLAN_MIME: told, "text/plain": plan.title}, raw=True)


def show_for(choice: Choice[Any] | None, html: str) -> None:
    """Show what holds for what is chosen now; while something else is chosen it is marked as outdated."""
    if choice is None or not html:
        display(HTML(html))
        return
    shown = DisplayHandle()
    shown.display(HTML(html))
    choice.watch(lambda same: shown.update(HTML(html if same else plan_tables.OUTDATED + html)))


def headless(plan: Plan, path: Path, settings: Settings) -> str:
    """Return what stands where nobody can press anything: reason, code and the command to type."""
    told = plan_tables.reason_line(plan) + plan_tables.approval(plan)
    how = plan_tables.by_hand(plan, path, settings.name)
    return f'{told}{how}<p class="small">Nothing has been changed: this run only wrote the plan to its file.</p>'


def somebody_is_there() -> bool:
    """Return whether whoever runs this cell could answer a question: JupyterLab can, papermill and nbmake cannot."""
    return bool(_asked().get("content", {}).get("allow_stdin"))


def _asked() -> dict[str, Any]:
    """Return the message by which this cell is run; empty where no kernel runs it."""
    kernel = getattr(get_ipython(), "kernel", None)
    return dict(kernel.get_parent()) if kernel else {}


def _ask(plan: Plan, path: Path, settings: Settings, choice: Choice[Any] | None) -> Approval:
    # Imported late: a headless kernel needs no widget.
    from ops_lib.show.approval import Approval

    kept = DisplayHandle()
    approval = Approval(plan, path, settings, lambda html: kept.update(HTML(html)), choice)
    display(approval.widget)
    kept.display(HTML(""))
    return approval


def _desks_of_this_run() -> list[Approval]:
    """Return where this run of its cell keeps what it offers; what an earlier run of it offered gives way."""
    asked = _asked()
    code, run = asked.get("content", {}).get("code", ""), asked.get("header", {}).get("msg_id", "")
    last: tuple[str, list[Approval]] = (run, [])
    before, desks = _OFFERED.get(code, last)
    if before != run:
        for desk in desks:
            desk.give_way()
        desks = []
    _OFFERED[code] = run, desks
    return desks
