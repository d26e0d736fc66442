"""What the notebooks call: open the environment, show, conclude. A cell stays one sentence long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython.display import HTML, display

from ops_lib.aws import Aws, connect
from ops_lib.decide.findings import Finding, accept
from ops_lib.decide.verdict import Verdict
from ops_lib.evidence import Evidence, Unread
from ops_lib.parameters import Parameters, from_namespace, names_no_job, with_a_job
from ops_lib.read.identity import write_power
from ops_lib.settings import Settings, open_settings
from ops_lib.show import kept_evidence, page, tables
from ops_lib.show.findings_file import MIME, document
from ops_lib.show.news import as_data, read_news
from ops_lib.show.plots import Plot
from ops_lib.show.redact import safe

if TYPE_CHECKING:
    from ops_lib.change.plan import Plan
    from ops_lib.decide.changes import Changes
    from ops_lib.decide.repairs import Names, NoRepair
    from ops_lib.show.choice import Choice


@dataclass(frozen=True)
class Runbook:
    """One opened notebook: its parameters, its environment, the guarded clients and the time it judges at (UTC)."""

    notebook: str
    parameters: Any
    settings: Settings
    aws: Aws
    now: datetime

    @property
    def label(self) -> str | None:
        """Return what must stand on every figure of a sandbox, None in production."""
        return self.settings.label

    @property
    def span(self) -> dict[str, Any]:
        """Return what every plot over time takes: now, the window of the environment, the sandbox's label."""
        days = self.settings.thresholds.history_days
        return {"now": self.now, "window": timedelta(days=days), "sandbox": self.label}

    @property
    def names(self) -> Names:
        """Return what the calls of a repair name in this environment."""
        from ops_lib.decide.repairs import Names

        here = self.settings
        return Names(
            environment=here.name,
            account_id=self.aws.identity.account_id,
            region=here.region,
            tables=here.tables,
            queues=here.queues,
            input_bucket=here.input_bucket,
            output_bucket=here.output_bucket,
            endpoint_name=here.endpoint_name,
            cluster=here.cluster,
        )

    def html(self, text: str, choice: Choice[Any] | None = None) -> None:
        """Show ready-made HTML of `tables`; `choice`: what was chosen, where it holds for that alone."""
        from ops_lib.show.review import show_for

        show_for(choice, text)

    def table(self, frame: pd.DataFrame, none: str = "There is none.") -> None:
        """Show a DataFrame as a table; missing values read "not known". Without a row it is the sentence `none`."""
        display(HTML(tables.table(frame) if len(frame) else f'<p class="small">{safe(none)}</p>'))

    def unread(self, unread: Mapping[str, Unread]) -> None:
        """Show what was not read, with reason and next step."""
        display(HTML(tables.unread_table(unread)))

    def plot(self, plot: Plot) -> None:
        """Show a figure with its alt text, the same sentence below it, and its table folded beside it."""
        metadata = {"image/png": {"alt": plot.alt}}
        display({"image/png": plot.png(), "text/plain": plot.alt}, raw=True, metadata=metadata)
        inside = tables.table(plot.table)
        display(
            HTML(f'<p class="caption">{safe(plot.alt)}</p><details><summary>as a table</summary>{inside}</details>')
        )

    def review(self, plan: Plan | NoRepair, choice: Choice[Any] | None = None) -> None:
        """Show a plan to be approved (headless: written and shown), or why there is none. It changes nothing.

        `choice`: what it was made from; once that is something else it can no longer be applied here.
        """
        from ops_lib.show.review import review

        review(plan, self.settings, choice)

    def about_here(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return the findings as this environment sees them: accepted ones marked, links leading back into it."""
        here = {"environment": self.settings.leads_to}
        linked = (replace(f, parameters=here | dict(f.parameters)) if f.notebook else f for f in findings)
        return accept(linked, self.settings.accepted, self.now.date())

    def news(self, findings: Iterable[Finding], unread: Mapping[str, Unread]) -> Evidence[Changes]:
        """Return what changed since the last report of this notebook in the report store."""
        return read_news(self.aws, self.notebook, self.now, self.about_here(findings), unread)

    def conclude(
        self,
        findings: Iterable[Finding],
        unread: Mapping[str, Unread],
        verdict: Verdict | None = None,
        news: Evidence[Changes] | None = None,
    ) -> None:
        """Show the answer once more, what was not read, all findings folded; leave them as data for programs.

        After Run All JupyterLab stands at the last cell: the answer has to be there, too.
        """
        marked = self.about_here(findings)
        told = as_data(news) if news else None
        content = document(self.settings.environment, self.now, marked, unread, verdict, told)
        everything = tables.folded_away("every finding with its evidence", tables.findings_table(marked))
        display(HTML(tables.status_card(marked, unread, verdict) + tables.unread_table(unread) + everything))
        display({MIME: content, "text/plain": f"status: {content['status']}"}, raw=True)
        if kept := kept_evidence.keep(self, content):
            display(kept, raw=True)

    def keep_evidence(self, path: str) -> None:
        """Write everything that was read up to now into an evidence bundle. Raises OSError."""
        kept_evidence.write(self, Path(path).expanduser().absolute(), None)


def open_runbook(notebook: str, namespace: Mapping[str, Any]) -> Runbook:
    """Return the opened runbook after its parameters, environment and account have been checked, and show where it is.

    `namespace` is the notebook's globals(). Raises BadInput (parameters, YAML, .env, account) or NotReadable;
    nothing of the pipeline has been read then.
    """
    given: Parameters = from_namespace(notebook, namespace)
    settings = open_settings(given.environment)
    parameters = with_a_job(given, settings.sandbox)
    aws = connect(settings)
    now = settings.now()
    about = {"job": "the sandbox's sample, as no job_id is given"} if names_no_job(given) else {}
    display(HTML(f"<style>{page.css()}</style>{_banner(settings, aws, now, about)}"))
    return Runbook(notebook, parameters, settings, aws, now)


def _banner(settings: Settings, aws: Aws, now: datetime, about: dict[str, str]) -> str:
    facts = {
        "environment": settings.environment,
        "account": aws.identity.account_id + ("" if settings.account_id else " (not checked: no account_id given)"),
        "region": settings.region,
        "as": aws.identity.arn.rsplit(":", 1)[-1],
        "this credential": write_power(aws),
        "now": f"{now:%Y-%m-%d %H:%M:%S} UTC" + _whose_now(settings),
    }
    return tables.banner(settings.label, facts | about)


def _whose_now(settings: Settings) -> str:
    if settings.bundle:
        return " (when the bundle was written)"
    return " (load time)" if settings.frozen_now else ""
