"""What the workers' own lines say about the whole pipeline: silent loops, denied calls, mixed versions (F20-F45)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from ops_lib.decide.case import words
from ops_lib.decide.checks import CONSUMERS, SCALING, TRIAGE, main_queues, unread_finding
from ops_lib.decide.findings import Finding
from ops_lib.decide.log_lines import (
    LOOPS,
    denied_call,
    is_dead_thread,
    is_failed_record,
    loop_of,
    service_of,
    unknown_status,
)
from ops_lib.evidence import LogLine, Queue, Read, Unread, WorkerLines
from ops_lib.gathered import PipelineEvidence


def worker_line_findings(evidence: PipelineEvidence) -> Iterator[Finding]:
    """Yield what the lines of the last hours say, or that they were read and say nothing."""
    if isinstance(evidence.worker_lines, Unread):
        said = "whether the workers' threads live, and what they are denied"
        yield unread_finding("worker-lines", said, evidence.worker_lines, TRIAGE)
        return
    told = evidence.worker_lines.value
    found = [*_silent_loops(evidence, told), *_denied(told), *_mixed_versions(told), *_progress(evidence, told)]
    yield from found
    if told.gaps:
        said = "Not known: whether the workers' lines say anything else, as some were not there to be read."
        yield Finding("worker-lines", "unknown", said, TRIAGE, told.gaps, "See why the log group is missing.")
    elif not found:
        said = f"The workers' lines of the last {words((told.until - told.since).total_seconds())} show no trouble."
        yield Finding("worker-lines", "ok", said, TRIAGE)


def _silent_loops(evidence: PipelineEvidence, told: WorkerLines) -> Iterator[Finding]:
    """A loop is dead or waits for ever if messages have waited, and it was silent, longer than one VisibilityTimeout.

    Never certain: an idle loop logs nothing, and a long piece of work neither (pipeline.md 8).
    """
    ages = evidence.oldest_age_s.value if isinstance(evidence.oldest_age_s, Read) else {}
    for key, queue in main_queues(evidence):
        patience = timedelta(seconds=queue.visibility_timeout_s)
        waited = timedelta(seconds=ages.get(queue.name) or 0)
        waits = key in LOOPS and queue.visible_messages and waited > patience
        if not waits or not _has_long_run(evidence, key, told, patience):
            continue
        spoke = max((line.at for line in told.lines if loop_of(line.message) == key), default=told.since)
        if told.until - spoke > patience:
            yield _silent(evidence, key, queue, told, waited)


def _has_long_run(evidence: PipelineEvidence, key: str, told: WorkerLines, patience: timedelta) -> bool:
    if isinstance(evidence.tasks, Unread):
        return False  # said by the finding on tasks
    running = [t for t in evidence.tasks.value if t.service == CONSUMERS.get(key) and t.last_status == "RUNNING"]
    return any(task.started_at and told.until - task.started_at > patience for task in running)


def _silent(evidence: PipelineEvidence, key: str, queue: Queue, told: WorkerLines, waited: timedelta) -> Finding:
    service = CONSUMERS[key]
    last = [line for line in told.lines if loop_of(line.message) == key][-1:]
    dead = [line for line in told.lines if is_dead_thread(line.message) and service_of(line.group) == service]
    facts = [f"{queue.name}: {queue.visible_messages} visible, the oldest for {words(waited.total_seconds())}"]
    facts += [f"its last line: {line.at:%H:%M} UTC {line.message}" for line in last]
    facts += [f"{line.at:%H:%M} UTC {line.message}" for line in dead[-1:]]
    # The one loop that waits for a slot before it receives; the older version polls instead (F20).
    leaked = key == "video-worker" and "output-events" in evidence.queues and not dead
    name = "inference-slots-leaked" if leaked else "worker-thread-dead"
    why = "waits for an inference slot that nobody frees" if leaked else "is dead"
    said = f"The {key} loop of {service} likely {why}: its tasks run, its messages wait, and it says nothing."
    step = f"Force a new deployment of {service}; first see whether a media-worker is busy with a reassembly."
    return Finding(f"{name}:{key}", "critical", said, SCALING, tuple(facts), step)


def _denied(told: WorkerLines) -> Iterator[Finding]:
    calls = Counter(
        (service_of(line.group), call) for line in told.lines if (call := denied_call(line.message)) is not None
    )
    for (service, call), count in sorted(calls.items()):
        said = f"{service} is denied {call} ({count} lines since {told.since:%H:%M} UTC)."
        step = "Mend the policy that changed, then replay what was dead-lettered meanwhile."
        yield Finding(f"access-denied:{service}:{call}", "critical", said, TRIAGE, _newest(told, call), step)


def _mixed_versions(told: WorkerLines) -> Iterator[Finding]:
    seen: dict[str, set[str]] = {}
    for line in told.lines:
        if status := unknown_status(line.message):
            seen.setdefault(service_of(line.group), set()).add(status)
    for service, statuses in sorted(seen.items()):
        said = f"{service} does not know the status {', '.join(sorted(statuses))}: it runs an older version."
        step = "Deploy all services together."
        yield Finding(f"version-mix:{service}", "critical", said, TRIAGE, _newest(told, "type=enum"), step)


def _progress(evidence: PipelineEvidence, told: WorkerLines) -> Iterator[Finding]:
    failed = [line for line in told.lines if is_failed_record(line.message)]
    pair = evidence.queues.get("job-events")
    queue = pair.main.value if pair and isinstance(pair.main, Read) else None
    if failed and queue and queue.all_messages:
        facts = (f"{queue.name}: {queue.visible_messages} visible", f"{len(failed)} failed records")
        said = "The web UI's progress is stale: its consumer of job-events fails. The jobs themselves are well."
        yield Finding("progress-stale", "warning", said, TRIAGE, facts, "Redeploy web-ui; nothing to do to a job.")


def _newest(told: WorkerLines, text: str) -> tuple[str, ...]:
    lines: list[LogLine] = [line for line in told.lines if text in line.message][-1:]
    return tuple(f"{line.at:%H:%M} UTC {line.message}" for line in lines)
