"""findings.json: the machine's copy of what the page says. Its JSON Schema lies beside this file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from ops_lib.decide.findings import Finding, status_of, worst_first
from ops_lib.decide.verdict import Verdict
from ops_lib.evidence import Unread
from ops_lib.show.redact import printable, redact

MIME = "application/vnd.ops.findings+json"
PLAN_MIME = "application/vnd.ops.plan+json"  # a plan that was written, for whoever reads it in a terminal
NO_PLAN_MIME = "application/vnd.ops.no-plan+json"  # why there is none, likewise
BUNDLE_MIME = "application/vnd.ops.bundle+json"  # an evidence bundle that was written, likewise
SCHEMA = Path(__file__).with_name("findings.schema.json")


def document(
    environment: str,
    now: datetime,
    findings: Iterable[Finding],
    unread: Mapping[str, Unread],
    verdict: Verdict | None = None,
    news: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the content of findings.json; `now` is the time the rules used, in UTC. `news`: what changed."""
    ordered = worst_first(findings)
    content: dict[str, Any] = {
        "status": status_of(ordered),
        "environment": environment,
        "generated_at": now.isoformat(timespec="seconds"),
        "findings": [_finding(finding) for finding in ordered],
        "unread": [_unread(name, part) for name, part in sorted(unread.items())],
    }
    if verdict is not None:
        content["verdict"] = _verdict(verdict)
    if news is not None:
        content["news"] = dict(news)
    return _redacted(content)  # type: ignore[no-any-return]


def failure(environment: str, now: datetime, code: str, message: str, next_step: str) -> dict[str, Any]:
    """Return the document of a run that broke off: status unknown, and why. It is never green."""
    broken = Finding(code, "unknown", message, "0. Triage", (), next_step)
    return document(environment, now, [broken], {})


def when(content: Mapping[str, Any]) -> str:
    """Return the time the rules of a document used, as every page and table writes it."""
    return f"{content['generated_at'][:19].replace('T', ' ')} UTC"


@cache
def schema() -> dict[str, Any]:
    """Return the committed JSON Schema of findings.json."""
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return loaded


def write(content: Mapping[str, Any], path: Path) -> None:
    """Write the document as sorted, indented JSON, whole or not at all: the same content gives the same bytes."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    unfinished.replace(path)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "severity": finding.severity,
        "summary": finding.summary,
        "section": finding.section,
        "evidence": list(finding.evidence),
        "next_step": finding.next_step,
        "notebook": finding.notebook,
        "parameters": dict(finding.parameters),
        "accepted": finding.accepted,
        "amount": finding.amount,
    }


def _unread(name: str, part: Unread) -> dict[str, str]:
    return {
        "what": name,
        "source": part.source,
        "kind": part.kind,
        "reason": part.reason,
        "next_step": part.next_step,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "name": verdict.name,
        "scope": verdict.scope,
        "candidates": list(verdict.candidates),
        "failure_modes": list(verdict.failure_modes),
        "confidence": verdict.confidence,
        "summary": verdict.summary,
        "because": list(verdict.because),
        "next_step": verdict.next_step,
        "safe_actions": list(verdict.safe_actions),
        "unsafe_actions": list(verdict.unsafe_actions),
        "missing_segments": list(verdict.missing_segments),
        "wait_until": verdict.wait_until.isoformat(timespec="seconds") if verdict.wait_until else None,
    }


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(printable(value))
    if isinstance(value, list):
        return [_redacted(item) for item in value]
    if isinstance(value, dict):
        return {key: _redacted(item) for key, item in value.items()}
    return value
