"""Evidence as DataFrames for tables and plots; what was not read stays missing, never zero."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pandas as pd

from ops_lib.decide.log_lines import read_signs
from ops_lib.evidence import Evidence, JobRow, Queue, QueuePair, Read, Traceback, Unread
from ops_lib.gathered import JobEvidence, PipelineEvidence
from ops_lib.read.metrics import HISTORY_COLUMNS

COUNTS = {"queue": "str", "dead_letters": "bool", "visible_messages": "Int64", "in_flight_messages": "Int64"}
Row = dict[str, object]


def queue_counts(pairs: Mapping[str, QueuePair]) -> pd.DataFrame:
    """Return one row per queue: queue, dead_letters, visible_messages, in_flight_messages (NA: not read)."""
    rows: list[Row] = []
    for key, pair in pairs.items():
        rows.append(_count(key, False, pair.main))
        if pair.dlq is not None:
            rows.append(_count(f"{key} dead letters", True, pair.dlq))
    return pd.DataFrame(rows, columns=list(COUNTS)).astype(COUNTS)


def queue_settings(pairs: Mapping[str, QueuePair]) -> pd.DataFrame:
    """Return one row per main queue with its live counts and settings; times in seconds, missing: not read."""
    return pd.DataFrame([_settings(key, pair) for key, pair in pairs.items()])


def depth_history(evidence: PipelineEvidence) -> tuple[pd.DataFrame, str | None]:
    """Return the history with queues by their .env key, and the reason where it was not read."""
    if isinstance(evidence.history, Unread):
        return pd.DataFrame(columns=list(HISTORY_COLUMNS)).astype(HISTORY_COLUMNS), evidence.history.reason
    names = {}
    for key, pair in evidence.queues.items():
        if isinstance(pair.main, Read):
            names[pair.main.value.name] = key
        if isinstance(pair.dlq, Read):
            names[pair.dlq.value.name] = f"{key} dead letters"
    history = evidence.history.value
    return history.assign(queue=history["queue"].map(names)), None


def jobs_by_status(evidence: PipelineEvidence) -> pd.DataFrame:
    """Return status and jobs (NA: not read); completed counts only the window of the report."""
    rows: list[Row] = [{"status": s, "jobs": _size(jobs)} for s, jobs in evidence.open_jobs.items()]
    rows.append({"status": "completed (window)", "jobs": _size(evidence.completed)})
    return pd.DataFrame(rows, columns=["status", "jobs"]).astype({"status": "str", "jobs": "Int64"})


def completed_per_day(evidence: PipelineEvidence, now: datetime, days: int) -> pd.DataFrame:
    """Return day (UTC midnight) and jobs completed on it; a day that was read is 0, one that was not is NA."""
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    all_days = [first + timedelta(days=number) for number in range(days)]
    counts: dict[object, int | None] = dict.fromkeys(all_days, None)
    if isinstance(evidence.completed, Read):
        counts = dict.fromkeys(all_days, 0)
        for moment in evidence.completed.value:
            day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
            if day in counts:
                counts[day] = (counts[day] or 0) + 1
    frame = pd.DataFrame({"day": list(counts), "jobs": list(counts.values())})
    return frame.astype({"day": "datetime64[us, UTC]", "jobs": "Int64"})


def services(evidence: PipelineEvidence) -> pd.DataFrame:
    """Return one row per service: desired, running, pending tasks, scaling bounds, its newest event."""
    if isinstance(evidence.services, Unread):
        return pd.DataFrame({"service": [f"not read: {evidence.services.reason}"]})
    targets = evidence.targets
    bounds = {target.service: target for target in targets.value} if isinstance(targets, Read) else {}
    no_bounds = "none" if isinstance(targets, Read) else "not read"
    rows = []
    for service in evidence.services.value:
        target = bounds.get(service.name)
        rows.append(
            {
                "service": service.name,
                "desired": service.desired,
                "running": service.running,
                "pending": service.pending,
                "scaling": f"{target.min_capacity} to {target.max_capacity}" if target else no_bounds,
                "last event": service.events[0][1] if service.events else "none",
            }
        )
    columns = ["service", "desired", "running", "pending", "scaling", "last event"]
    return pd.DataFrame(rows, columns=columns)


def job_facts(job: JobEvidence) -> pd.DataFrame:
    """Return the job's row, lock and objects as fact and value; times UTC, what was not read says why."""
    facts: dict[str, object] = {}
    row = job.row
    if isinstance(row, Read) and row.value:
        facts |= _row_facts(row.value)
    elif isinstance(row, Unread):
        facts["row"] = f"not read: {row.reason}"
    facts["recorded segments"] = _told(job.completions, lambda rows: len(rows))
    facts["trigger lock"] = _told(job.lock, _lock_words)
    facts["source objects"] = _told(job.source, len)
    facts["segment objects"] = _told(job.chunks, len)
    facts["output objects"] = _told(job.outputs, len)
    facts["final.mp4"] = _told(
        job.outputs, lambda found: "exists" if any(o.key.endswith("/final.mp4") for o in found) else "absent"
    )
    return pd.DataFrame({"fact": list(facts), "value": list(facts.values())}, dtype="object")


def log_lines(job: JobEvidence) -> pd.DataFrame:
    """Return time (UTC), log stream, kind of line, message and the traceback below it ("" without one), oldest first.

    One row with a message alone says that there are none, or why.
    """
    if isinstance(job.logs, Unread):
        return pd.DataFrame({"message": [f"not read: {job.logs.reason}"]})
    below = {(t.line.at, t.line.stream, t.line.message): _told_below(t) for t in job.logs.value.tracebacks}
    rows: list[tuple[datetime | None, str, str, str, str]] = [
        (s.at, s.stream.rsplit("/", 1)[0], s.kind, s.message, "\n".join(below.get((s.at, s.stream, s.message), ())))
        for s in read_signs(job.logs.value.lines)
    ]
    rows += [(None, "", "gap", gap, "") for gap in job.logs.value.gaps]
    if not rows:
        said = f"no line with this job's id in {', '.join(job.logs.value.groups)}"
        return pd.DataFrame({"message": [said]})
    return pd.DataFrame(rows, columns=["time", "stream", "kind", "message", "traceback"])


def _told_below(traceback: Traceback) -> tuple[str, ...]:
    """Return what stands below an error; indented below the doubt where it may be another job's."""
    if not traceback.doubt:
        return traceback.following
    return (f"In doubt: {traceback.doubt}.", *(f"  {said}" for said in traceback.following))


def _count(queue: str, dead: bool, part: Evidence[Queue]) -> Row:
    read = part.value if isinstance(part, Read) else None
    return {
        "queue": queue,
        "dead_letters": dead,
        "visible_messages": read.visible_messages if read else None,
        "in_flight_messages": read.in_flight_messages if read else None,
    }


def _settings(key: str, pair: QueuePair) -> Row:
    main = pair.main.value if isinstance(pair.main, Read) else None
    dlq = pair.dlq.value if isinstance(pair.dlq, Read) else None
    return {
        "queue": key,
        "visible": main.visible_messages if main else None,
        "in flight": main.in_flight_messages if main else None,
        "dead letters": dlq.visible_messages if dlq else None,
        "visibility timeout s": main.visibility_timeout_s if main else None,
        "max receives": main.max_receive_count if main else None,
    }


def _size(
    part: Evidence[tuple[object, ...]] | Evidence[tuple[JobRow, ...]] | Evidence[tuple[datetime, ...]],
) -> int | None:
    return len(part.value) if isinstance(part, Read) else None


def _told(part: Evidence[object], tell: object) -> object:
    if isinstance(part, Unread):
        return f"not read: {part.reason}"
    return tell(part.value)  # type: ignore[operator]


def _lock_words(lock: object) -> str:
    if lock is None:
        return "none (L0)"
    triggered, started = getattr(lock, "triggered_at", None), getattr(lock, "started_at", None)
    taken = f", taken {started:%Y-%m-%d %H:%M:%S}" if started else ", not taken (L1)"
    return f"put {triggered:%Y-%m-%d %H:%M:%S}{taken}" if triggered else f"put at an unknown time{taken}"


def _row_facts(row: JobRow) -> dict[str, object]:
    return {
        "status": row.status,
        "mode": row.mode,
        "title": row.title or "none",
        "created": row.created_at,
        "completed": row.completed_at or "no",
        "total_segments": row.total_segments,
        **{f"{name} (new)": value for name, value in row.other.items()},
    }
