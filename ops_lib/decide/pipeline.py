"""Findings about the pipeline as a whole: queues, workers, alarms, endpoint, configuration (pipeline.md 3, 5, 7)."""

from __future__ import annotations

from collections.abc import Iterator

from ops_lib.decide.bounds import bounds_findings
from ops_lib.decide.case import words
from ops_lib.decide.checks import (
    CONSUMERS,
    DEAD_LETTERS,
    SCALING,
    TRIAGE,
    counted,
    is_or_are,
    main_queues,
    unread_finding,
)
from ops_lib.decide.endpoint import status_finding
from ops_lib.decide.findings import Finding
from ops_lib.decide.letter_findings import not_looked_into
from ops_lib.decide.notifications import notification_findings
from ops_lib.decide.queue_lint import dlq_name, queue_lint
from ops_lib.decide.worker_lines import worker_line_findings
from ops_lib.decide.workers import stopped_task_findings, worker_findings
from ops_lib.evidence import Alarm, Read, Unread
from ops_lib.gathered import PipelineEvidence


def pipeline_findings(evidence: PipelineEvidence, oldest_age_limit_s: float) -> tuple[Finding, ...]:
    """Return every finding about the pipeline, ok ones too: what was checked is said.

    `oldest_age_limit_s`: how old the oldest message of a main queue may be before it is a warning.
    """
    return (
        *_deployment(evidence),
        *_dead_letters(evidence),
        *_ages(evidence, oldest_age_limit_s),
        *worker_findings(evidence),
        *stopped_task_findings(evidence),
        *bounds_findings(evidence),
        *worker_line_findings(evidence),
        *notification_findings(evidence),
        *_alarms(evidence),
        *status_finding(evidence.endpoint, evidence.endpoint_name),
        *queue_lint(evidence.queues, evidence.alarms),
    )


def _deployment(evidence: PipelineEvidence) -> Iterator[Finding]:
    gone = {name: part for name, part in evidence.unread().items() if part.kind == "missing"}
    if gone:
        yield Finding(
            "wrong-deployment",
            "unknown",
            f"What the .env names does not exist here: {', '.join(sorted(gone))}.",
            TRIAGE,
            tuple(f"{part.source}: {part.reason}" for part in gone.values()),
            "Regenerate the .env (nx run aws-infra:terraform-output), or open the environment you mean.",
        )


def _dead_letters(evidence: PipelineEvidence) -> Iterator[Finding]:
    empty = 0
    for key, pair in evidence.queues.items():
        if pair.dlq is None:
            continue  # said by the lint
        if isinstance(pair.dlq, Unread):
            yield unread_finding(f"dead-letters:{key}", f"dead letters of {key}", pair.dlq, DEAD_LETTERS)
        elif pair.dlq.value.all_messages:
            yield not_looked_into(key, pair.dlq.value)
        else:
            empty += 1
    if empty:
        said = f"{empty} of {len(evidence.queues)} dead-letter queues hold nothing."
        yield Finding("dead-letters", "ok", said, DEAD_LETTERS)


def _ages(evidence: PipelineEvidence, limit_s: float) -> Iterator[Finding]:
    waiting = {k: q for k, q in main_queues(evidence) if q.visible_messages}
    if waiting and isinstance(evidence.oldest_age_s, Unread):
        yield unread_finding("oldest-age", "how long messages have waited", evidence.oldest_age_s, SCALING)
        return
    ages = evidence.oldest_age_s.value if isinstance(evidence.oldest_age_s, Read) else {}
    for key, queue in waiting.items():
        age = ages.get(queue.name)
        facts = (f"{queue.name}: {queue.visible_messages} visible",)
        if age is None:
            said = f"Not known: how long messages have waited in {key}; CloudWatch has no datapoint for 15 minutes."
            step = "Look again in a few minutes: the metric lags, and pauses on queues that were idle."
            yield Finding(f"oldest-age:{key}", "unknown", said, SCALING, facts, step)
        elif age > limit_s:
            said = f"The oldest message of {key} has waited {words(age)} (threshold {words(limit_s)})."
            step = f"See whether {CONSUMERS.get(key, 'its consumer')} keeps up."
            yield Finding(f"oldest-age:{key}", "warning", said, SCALING, facts, step)
    if not waiting and not any(isinstance(pair.main, Unread) for pair in evidence.queues.values()):
        yield Finding("oldest-age", "ok", "No main queue has waiting messages.", SCALING)


def _alarms(evidence: PipelineEvidence) -> Iterator[Finding]:
    if isinstance(evidence.alarms, Unread):
        yield unread_finding("alarms", "which alarms are firing", evidence.alarms, TRIAGE)
        return
    alarms = evidence.alarms.value
    dead = {dlq_name(pair) for pair in evidence.queues.values()} - {None}
    firing = [alarm for alarm in alarms if alarm.state == "ALARM"]
    for alarm in (a for a in firing if a.queue_name not in dead):
        said = f"Alarm {alarm.name} is firing."
        yield Finding(
            f"alarm:{alarm.name}", "critical", said, TRIAGE, (_since(alarm),), "See the finding on its queue."
        )
    on_dead = [f"{alarm.name} {_since(alarm)}" for alarm in firing if alarm.queue_name in dead]
    if on_dead:
        said = f"{counted(on_dead, 'alarm')} on dead-letter queues {is_or_are(on_dead)} firing."
        step = "See the finding on each queue; the alarm stays until its messages are gone."
        yield Finding("alarms-on-dead-letters", "warning", said, TRIAGE, tuple(on_dead), step)
    if not firing:
        yield Finding("alarms", "ok", f"None of {len(alarms)} alarms is firing.", TRIAGE)


def _since(alarm: Alarm) -> str:
    return f"since {alarm.updated_at:%Y-%m-%d %H:%M} UTC" if alarm.updated_at else "since an unknown time"
