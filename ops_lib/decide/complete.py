"""C = N and no film: is reassembly due, running, dead, or was it never triggered? (pipeline.md 8: F03-F11, F33, F48)"""

from __future__ import annotations

from datetime import datetime, timedelta

from ops_lib.decide.case import Case, spans
from ops_lib.decide.reassembly import SECOND, proof_that_run_is_over
from ops_lib.decide.verdict import Verdict, conclude
from ops_lib.decide.vocabulary import TRIGGERS
from ops_lib.evidence import JobRow, Lock, known

# One page of 1 MB is all the worker's own query reads (pipeline.md 8: roughly N <= 5,700).
ONE_PAGE_OF_COMPLETIONS = 5700


def judge_all_recorded(case: Case, row: JobRow) -> Verdict:
    """Return the verdict where exactly 0..N-1 are recorded and there is no final.mp4.

    Within the grace it is healthy where it would otherwise need help; a healthy verdict keeps its name (F49).
    """
    verdict = _after_the_grace(case, row)
    times = [case.last_completion, *((case.lock.triggered_at, case.lock.started_at) if case.lock else ())]
    changed = max(filter(None, times), default=None)
    if verdict.scope == "healthy" or changed is None or not case.young(changed):
        return verdict
    return conclude("just-finished", verdict.because, wait_until=changed + case.grace)


def _after_the_grace(case: Case, row: JobRow) -> Verdict:
    gone = tuple(index for index in range(case.total) if index not in case.produced)
    if gone:
        return conclude("segment-output-gone", [f"recorded, but without an output object: {spans(gone)}"])
    verdict = _by_lock(case, row)
    if case.total > ONE_PAGE_OF_COMPLETIONS and {*TRIGGERS, "send-message"} & set(verdict.safe_actions):
        return conclude("too-many-segments-for-trigger", verdict.because)
    return verdict


def _by_lock(case: Case, row: JobRow) -> Verdict:
    if case.lock is None:
        return _no_lock(case, row)
    if case.lock.started_at is None:
        return _lock_waiting(case, case.lock)
    return _lock_taken(case, case.lock, case.lock.started_at)


def _no_lock(case: Case, row: JobRow) -> Verdict:
    last = case.last_completion
    facts = [f"all {case.total} segments are recorded, the last {case.ago(last)}", "no trigger lock, no film"]
    if row.status == "failed":
        return conclude("failed-but-complete", [*facts, "the trigger skips a job with status failed"])
    return conclude("trigger-never-ran", facts)


def _lock_waiting(case: Case, lock: Lock) -> Verdict:
    """L1: the lock was put, no worker took it. Is its message there?"""
    queue = case.queue("reassembly")
    visible = queue.visible_messages if queue else 0
    facts = [f"the lock was put {case.ago(lock.triggered_at)}, no worker took it"]
    if letter := case.dead_letter("reassembly", "job message"):
        facts.append(f"its message is a dead letter of the reassembly queue, received {letter.receives} times")
        return conclude("lock-without-message", facts)
    if case.young(lock.triggered_at):
        until = (lock.triggered_at or case.now) + case.grace
        name = "reassembly-queued" if visible else "just-finished"
        return conclude(name, [*facts, f"{visible} visible messages in the reassembly queue"], wait_until=until)
    if not visible:
        return conclude("lock-without-message", [*facts, "no message is visible in the reassembly queue"])
    return _old_lock_with_backlog(case, lock, visible, facts)


def _old_lock_with_backlog(case: Case, lock: Lock, visible: int, facts: list[str]) -> Verdict:
    # Messages belong to all jobs: whether one is this job's cannot be read, and sending again is harmless (F37).
    age = known(case.evidence.oldest_reassembly_s)
    if age is not None and lock.triggered_at and case.now - timedelta(seconds=age) > lock.triggered_at:
        facts.append(f"{visible} visible, the oldest is younger than the lock")
        return conclude("lock-without-message", facts, confidence="likely")
    facts.append(f"{visible} visible messages in the reassembly queue: one may be this job's")
    return conclude(
        "reassembly-queued",
        facts,
        confidence="unknown",
        candidates=["lock-without-message"],
        safe=("wait", "send-message"),
        next_step="Wait; sending the message again is safe whichever it is.",
    )


def _lock_taken(case: Case, lock: Lock, started: datetime) -> Verdict:
    """L2: a worker took the lock. Is its run over?"""
    facts = [f"a media-worker took the lock {case.ago(started)}, there is no film"]
    proof = proof_that_run_is_over(case, started)
    if proof:
        return _run_is_over(case, lock, [*facts, proof])
    queue = case.queue("reassembly")
    visibility = timedelta(seconds=queue.visibility_timeout_s if queue else 0)
    facts.append("nothing proves that its run is over")
    if case.now - started < visibility:
        return conclude("reassembly-running", facts, wait_until=started + visibility)
    return conclude(
        "unknown",
        [*facts, "it has outlasted the visibility timeout"],
        confidence="unknown",
        candidates=["reassembly-running", "reassembly-died"],
        safe=("wait",),
        next_step="Wait, or look at the media-worker's task; without proof the lock must not be reset.",
    )


def _run_is_over(case: Case, lock: Lock, facts: list[str]) -> Verdict:
    early = _triggered_early(case, lock)
    if early is None:
        return conclude("reassembly-died", facts)
    return conclude(
        "lock-burned-early",
        [*facts, early],
        safe=("reset-lock-and-trigger",),
        next_step="Every segment is recorded now: reset the lock and trigger in one plan.",
    )


def _triggered_early(case: Case, lock: Lock) -> str | None:
    """Return why the lock was put before all segments were recorded, None where it was not.

    The worker's own words decide; where it found too few although all were recorded before, its query lagged (F33).
    Without them the times do, but the newest pipeline writes the last completion once more when SageMaker's answer
    comes, which may be after its own trigger (pipeline.md 2).
    """
    since = lock.started_at or lock.triggered_at
    said = {sign.kind for sign in case.signs if since and sign.at >= since - SECOND}
    if "concat-started" in said or not (lock.triggered_at and case.last_completion):
        return None
    if "completions-short" in said and lock.triggered_at <= case.last_completion:
        return "the worker that took it found fewer completions than total_segments"
    if case.last_completion - lock.triggered_at <= case.grace:
        return None
    return "the lock is older than the last completion: it was triggered too early"
