"""The endpoint as tables: what runs, what would change, which checks were made, what the pipeline's script would do."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ops_lib.change.plan import Plan
from ops_lib.decide.endpoint import built, content_of, running_image, short
from ops_lib.decide.endpoint_diff import ABSENT
from ops_lib.decide.endpoint_knobs import shown
from ops_lib.decide.endpoint_script import script_of
from ops_lib.decide.endpoint_wish import Proposal, containers, image_of, running
from ops_lib.decide.findings import Finding
from ops_lib.decide.repairs.names import NoRepair
from ops_lib.deployed import Deployed
from ops_lib.evidence import Evidence, Read, Unread
from ops_lib.show.redact import safe
from ops_lib.show.tables import badge, folded_away, html_table, status_card

ORDER = ("critical", "unknown", "warning", "note", "ok")


def answer(deployed: Deployed, findings: Sequence[Finding], plan: Plan | NoRepair) -> str:
    """Return the first screen: the status, what runs, what is proposed, and each finding that counts."""
    card, said = status_card(findings, deployed.unread()), _what_it_is(deployed)
    image = next((one.summary for one in findings if one.id == "endpoint-image" and one.severity != "ok"), "")
    counting = [one for one in findings if one.severity in ("critical", "unknown", "warning") and one.accepted is None]
    more = "".join(f"<li>{badge(one.severity)} {safe(one.summary)} {safe(one.next_step)}</li>" for one in counting)
    proposed = f"Proposed: {plan.reason}" if isinstance(plan, Plan) else f"No update: {plan.reason}"
    told = f"<p>{said} {safe(image)}</p><p>{safe(proposed)}</p>" + (f"<ul>{more}</ul>" if more else "")
    return card.removesuffix("</div>") + told + "</div>"


def _what_it_is(deployed: Deployed) -> str:
    """Return status, config and image in one sentence of HTML."""
    if isinstance(deployed.endpoint, Unread):
        return f"What {safe(deployed.name)} runs is <b>not known</b>."
    if not deployed.status:
        return f"There is <b>no endpoint {safe(deployed.name)}</b>."
    runs = ", ".join(short(path.rpartition("@")[2]) for path in running(content_of(deployed)).values())
    config = content_of(deployed).get("EndpointConfigName", "not known")
    said = f"{safe(deployed.name)} is <b>{safe(deployed.status)}</b> with config <b>{safe(config)}</b>"
    return f"{said}; image <b>{safe(runs or 'not known')}</b> runs."


def what_runs(deployed: Deployed) -> pd.DataFrame:
    """Return the endpoint as fact and value; what was not read says why."""
    content = content_of(deployed)
    facts: dict[str, object] = {"endpoint": deployed.name, "status": deployed.status or "not known"}
    why = "last update failed because" if deployed.status == "InService" else "why"
    facts |= {why: content["FailureReason"]} if content.get("FailureReason") else {}
    facts["config"] = content.get("EndpointConfigName", "not known")
    for specified, resolved in running(content).items():
        facts["image named"], facts["image that runs"] = specified, resolved
    facts |= _image(deployed)
    for variant in content.get("ProductionVariants", ()):
        facts[f"instances of {variant['VariantName']}"] = _instances(deployed, variant)
    facts |= _environment(deployed)
    output = content.get("AsyncInferenceConfig", {}).get("OutputConfig", {})
    facts |= {"results go to": output["S3OutputPath"]} if "S3OutputPath" in output else {}
    facts["backlog, requests"] = _told(deployed.backlog_requests)
    facts["last build"] = _build(deployed)
    return pd.DataFrame({"fact": list(facts), "value": list(facts.values())}, dtype="object")


def changes_table(proposal: Proposal | None) -> pd.DataFrame:
    """Return field, now and proposed; no row where nothing would change."""
    changes = proposal.changes if proposal else ()
    rows = [(one.path, _value(one.path, one.before), _value(one.path, one.after)) for one in changes]
    return pd.DataFrame(rows, columns=["field", "now", "proposed"], dtype="object")


def checks_table(checks: Sequence[Finding]) -> str:
    """Return the checks before an update, what stops it first."""
    if not checks:
        return '<p class="small">Nothing is proposed, so nothing was checked.</p>'
    ordered = sorted(checks, key=lambda one: ORDER.index(one.severity))
    rows = "".join(_check(one) for one in ordered)
    return html_table(("", "before the update", "next step"), rows)


def by_script(deployed: Deployed) -> str:
    """Return the pipeline's own commands for the same, and what they would lose of this endpoint."""
    script = script_of(deployed)
    lost = "".join(f"<li>{safe(one)}</li>" for one in script.loses)
    commands = f"<p><code>{safe(script.build)}</code>, wait for SUCCEEDED, then <code>{safe(script.command)}</code></p>"
    return commands + folded_away(f"what that would lose here ({len(script.loses)})", f"<ul>{lost}</ul>")


def _check(one: Finding) -> str:
    facts = "".join(f"<li>{safe(fact)}</li>" for fact in one.evidence)
    said = safe(one.summary) + (f"<ul>{facts}</ul>" if facts else "")
    return f"<tr><td>{badge(one.severity)}</td><td>{said}</td><td>{safe(one.next_step)}</td></tr>"


def _value(path: str, value: object) -> str:
    """Return a value for a narrow column: an image's path ends it, a digest only begins; absent is nothing."""
    text = "" if value is ABSENT else str(shown(path, value))
    if ".dkr.ecr." not in text:
        return text
    name, at, digest = text.rpartition("/")[2].partition("@")
    return f"{name}{at}{short(digest)}"


def _told(part: Evidence[float | None]) -> str:
    if isinstance(part, Unread):
        return f"not read: {part.reason}"
    return "no datapoint for 15 minutes" if part.value is None else f"{part.value:.0f}"


def _image(deployed: Deployed) -> dict[str, object]:
    if isinstance(deployed.images, Unread):
        return {"image in the repository": f"not read: {deployed.images.reason}"}
    runs, latest = running_image(deployed), image_of(deployed.images.value, "latest")
    unknown = "not in the repository" if running(content_of(deployed)) else "not known: which image runs was not read"
    pushed = f"{runs.pushed_at:%Y-%m-%d %H:%M} UTC, {runs.size_bytes / 1e9:.1f} GB" if runs else unknown
    same = "the image that runs" if runs and latest == runs else ""
    names = same or (f"{latest.digest}, pushed {latest.pushed_at:%Y-%m-%d %H:%M} UTC" if latest else "no image")
    return {"pushed": pushed, "latest names": names}


def _instances(deployed: Deployed, variant: dict[str, object]) -> str:
    config = deployed.config.value.content if isinstance(deployed.config, Read) else {}
    own = [one for one in config.get("ProductionVariants", ()) if one["VariantName"] == variant["VariantName"]]
    kind = own[0].get("InstanceType", "") if own else ""
    return f"{variant.get('CurrentInstanceCount', '?')} of {variant.get('DesiredInstanceCount', '?')} {kind}".strip()


def _environment(deployed: Deployed) -> dict[str, object]:
    models = [model.value for model in deployed.models.values() if isinstance(model, Read)]
    found = {name: value for model in models for one in containers(model.content) for name, value in _of(one).items()}
    return {f"env {name}": shown(name, value) for name, value in sorted(found.items())}


def _of(container: dict[str, object]) -> dict[str, object]:
    environment = container.get("Environment", {})
    return dict(environment) if isinstance(environment, dict) else {}


def _build(deployed: Deployed) -> str:
    if isinstance(deployed.build, Unread):
        return f"not read: {deployed.build.reason}"
    return built(deployed.build.value) if deployed.build.value else "none"
