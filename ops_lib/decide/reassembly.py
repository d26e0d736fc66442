"""Is the run that took the lock over? Only proof counts: the in-flight count proves nothing (F07/F08)."""

from __future__ import annotations

from datetime import datetime, timedelta

from ops_lib.decide.case import Case
from ops_lib.evidence import LogLine, NotKnown, Task, Unread, known

# Only the run that holds the lock says these.
RUN_WORDS = ("concat-started", "completions-short")
SECOND = timedelta(seconds=1)  # DynamoDB's times are whole seconds, log times are not


def proof_that_run_is_over(case: Case, started: datetime) -> str | None:
    """Return what proves it, or None where nothing does.

    Raises NotKnown if no proof was found but tasks or log lines, where one could stand, were not read.
    """
    unread: list[Unread] = []
    for look in (_tasks_say, _lines_say):
        try:
            if proof := look(case, started):
                return proof
        except NotKnown as question:
            unread.append(question.unread)
    if unread:
        raise NotKnown(unread[0])
    return None


def _tasks_say(case: Case, started: datetime) -> str | None:
    tasks = [task for task in known(case.evidence.tasks) if task.service == "media-worker"]
    running = [task for task in tasks if task.last_status == "RUNNING"]
    if all(task.started_at and task.started_at > started for task in running):
        return "every running media-worker task started after the lock was taken"
    stream = _stream_that_took_it(case, started)
    if stream is None:
        return None
    holder = stream.rsplit("/", 1)[-1]
    if holder not in {task.task_id for task in tasks if task.last_status != "STOPPED"}:
        return f"the task that took the lock ({holder[:8]}) is stopped or gone{_reason(tasks, holder)}"
    return None


def _lines_say(case: Case, started: datetime) -> str | None:
    for sign in case.signs:
        if sign.at >= started and sign.kind in ("completions-short", "reassembly-failed"):
            error = case.error_of(sign)
            return f"the worker itself logged that it gave this job up{f': {error}' if error else ''}"
    logs = known(case.evidence.logs)
    stream = _stream_that_took_it(case, started)
    if stream:
        received = [line for line in logs.receipts if line.stream == stream and " received" in line.message]
        took = _receipt_that_took_it(case, received, started)
        if took and any(line.at > took for line in received):
            return "the worker has received another reassembly since; it has one reassembly thread"
    if logs.gaps or logs.refused:
        reason = "; ".join(logs.gaps) or "Insights was refused, so other jobs' reassemblies were not looked at"
        raise NotKnown(Unread("logs:StartQuery", "partial", reason, "allow logs:StartQuery, or wait"))
    return None


def _stream_that_took_it(case: Case, started: datetime) -> str | None:
    """Return the log stream (ecs/media-worker/<task id>) whose run began when the lock was taken.

    "concat" is logged only by the run that holds the lock; a "received" line may be one that was turned away.
    """
    turned_away = {sign.stream for sign in case.signs if sign.kind == "lock-not-acquired"}
    for kind in ("concat-started", "completions-short", "reassembly-received"):
        for sign in case.signs:
            near = started - SECOND <= sign.at and "/media-worker/" in sign.stream
            if sign.kind == kind and near and (kind != "reassembly-received" or sign.stream not in turned_away):
                return sign.stream
    return None


def _receipt_that_took_it(case: Case, received: list[LogLine], started: datetime) -> datetime | None:
    """Return when the message that took the lock was received: this job's last before the run's own words.

    Without such words it is the last by the lock's second. A receipt just before it, of another job or of a double
    that was turned away, is no sign that the worker went on.
    """
    own = [line.at for line in received if f"job_id={case.evidence.job_id} " in line.message]
    streams = {line.stream for line in received}
    words = [s.at for s in case.signs if s.kind in RUN_WORDS and s.stream in streams and s.at >= started - SECOND]
    by_then = min([started + SECOND - timedelta(microseconds=1), *words])
    return max((at for at in own if started - SECOND <= at <= by_then), default=None)


def _reason(tasks: list[Task], holder: str) -> str:
    own = [task for task in tasks if task.task_id == holder]
    reasons = [said for task in own for said in (*task.reasons.values(), task.stopped_reason) if said]
    return f": {reasons[0]}" if reasons else ""
