"""Choose an open job and see its verdict; the folded cards below say the same where no widget runs (HTML, headless)."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as widgets
from IPython.display import HTML, display

from ops_lib.decide.verdict import Verdict
from ops_lib.show.redact import safe
from ops_lib.show.tables import verdict_card


def job_picker(verdicts: Mapping[str, Verdict]) -> widgets.Dropdown:
    """Show a drop-down of the judged jobs with the chosen one's verdict, and all verdicts folded; return the widget."""
    options = [(f"{verdict.severity}: {verdict.name} {job_id}", job_id) for job_id, verdict in verdicts.items()]
    chooser = widgets.Dropdown(options=options, description="job", layout=widgets.Layout(width="42em"))
    card = widgets.HTML(value=_card(verdicts, chooser.value))
    chooser.observe(lambda change: setattr(card, "value", _card(verdicts, change["new"])), names="value")
    display(widgets.VBox([chooser, card]))
    display(HTML("".join(_folded(job_id, verdict) for job_id, verdict in verdicts.items())))
    return chooser


def _card(verdicts: Mapping[str, Verdict], job_id: str | None) -> str:
    return verdict_card(verdicts[job_id], job_id) if job_id else "<p>No open job.</p>"


def _folded(job_id: str, verdict: Verdict) -> str:
    title = f"{safe(verdict.severity)}: {safe(verdict.name)} &middot; {safe(job_id)}"
    return f"<details><summary>{title}</summary>{verdict_card(verdict, job_id)}</details>"
