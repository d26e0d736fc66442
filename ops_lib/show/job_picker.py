"""Choose an open job and see its verdict; the folded cards below say the same where no widget runs (HTML, headless)."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as widgets
from IPython.display import HTML, display

from ops_lib.decide.verdict import Verdict
from ops_lib.show.redact import safe
from ops_lib.show.tables import verdict_card


def job_picker(verdicts: Mapping[str, Verdict]) -> widgets.VBox:
    """Return a drop-down of the judged jobs above the card of the chosen one."""
    options = [(f"{verdict.severity}: {verdict.name} {job_id}", job_id) for job_id, verdict in verdicts.items()]
    layout = widgets.Layout(width="42em")
    chooser = widgets.Dropdown(options=options, description="job", disabled=not options, layout=layout)
    card = widgets.HTML(value=_card(verdicts, chooser.value))
    chooser.observe(lambda change: setattr(card, "value", _card(verdicts, change["new"])), names="value")
    return widgets.VBox([chooser, card])


def show_jobs(verdicts: Mapping[str, Verdict]) -> None:
    """Show the drop-down, and every verdict folded below it for where no widget runs."""
    display(job_picker(verdicts))
    display(HTML("".join(_folded(job_id, verdict) for job_id, verdict in verdicts.items())))


def _card(verdicts: Mapping[str, Verdict], job_id: str | None) -> str:
    return verdict_card(verdicts[job_id], job_id) if job_id else "<p>No open job.</p>"


def _folded(job_id: str, verdict: Verdict) -> str:
    title = f"{safe(verdict.severity)}: {safe(verdict.name)} &middot; {safe(job_id)}"
    return f"<details><summary>{title}</summary>{verdict_card(verdict, job_id)}</details>"
