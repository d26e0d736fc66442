"""C < N: each missing segment is judged on its own, then the job by the worst of them (pipeline.md 8)."""

from __future__ import annotations

from datetime import datetime

from ops_lib.decide.case import Case, spans
from ops_lib.decide.log_lines import INFERENCE_FAILURES, Sign
from ops_lib.decide.segments import Segment
from ops_lib.decide.verdict import Verdict, conclude
from ops_lib.decide.vocabulary import VERDICTS, Action, Confidence, in_table_order
from ops_lib.evidence import JobRow, QueuePair, known
from ops_lib.letters import DeadLetter

NOT_SEEN = ("inference-failed", "inference-timed-out", "request-never-uploaded", "event-expired")
FAILED = ("inference-retrying", "inference-refused")
LOOK = "Look into the dead-letter queues: open 3_stuck_job with inspect_dead_letters=true."
ENDPOINT_LOG = "Look at the endpoint's log for the segments named."
MOST_CAUSES = 3
SURE: dict[str, Confidence] = {"inference-refused": "certain"}


def judge_missing(case: Case, row: JobRow) -> Verdict:
    """Return the verdict where some of 0..N-1 are not recorded and there is no final.mp4."""
    facts = [f"{len(case.recorded)} of {case.total} segments recorded; missing: {spans(case.missing)}"]
    if case.lock is not None:
        facts.append(f"the trigger lock was put {case.ago(case.lock.triggered_at)}, before they were done")
        return conclude("lock-burned-early", facts, missing=case.missing)
    newest = _newest_event(case)
    if row.status != "failed" and case.young(newest):
        facts.append(f"its newest segment event was {case.ago(newest)}")
        until = (newest or case.now) + case.grace
        return conclude("segments-in-progress", facts, missing=case.missing, wait_until=until)
    return _by_segment(case, row, facts)


def _newest_event(case: Case) -> datetime | None:
    times = [found.last_modified for found in known(case.evidence.chunks)]
    times += [*case.produced.values(), *filter(None, [case.last_completion])]
    return max(times, default=None)


def _by_segment(case: Case, row: JobRow, facts: list[str]) -> Verdict:
    missing = set(case.missing)
    left = [segment for segment in case.segments if segment.segment_index in missing]
    found: dict[str, list[Segment]] = {}
    unsure: set[str] = set()
    for segment in left:
        names, sure = explain(case, row, segment)
        for name in names:
            found.setdefault(name, []).append(segment)
        if not sure:
            unsure |= set(names)
    by_state = {s: tuple(x.segment_index for x in left if x.state == s) for s in {x.state for x in left}}
    facts += [f"{state}: {spans(indexes)}" for state, indexes in sorted(by_state.items())]
    facts += [f"segment {segment.segment_index}: {segment.why}" for segment in left if segment.cause][:MOST_CAUSES]
    for kind in ("invoke-failed", "completion-failed"):
        facts += case.newest_error(kind, (segment.segment_index for segment in left))
    names = in_table_order(set(found))
    job_scope = [name for name in names if VERDICTS[name].scope == "job"]
    if "unknown" in found:
        return _cannot_tell(case, row, facts, names, left)
    if not job_scope:
        return conclude(names[0], facts, missing=case.missing, wait_until=_overdue(case, left))
    name = job_scope[0]
    letters = [letter for segment in left if (letter := _letter(case, segment))]
    facts += [f"its event is a dead letter of {one.queue}, received {one.receives} times" for one in letters][
        :MOST_CAUSES
    ]
    proven = all(_proves(case, name, segment) for segment in found[name])
    return conclude(
        name,
        facts,
        confidence="unknown" if name in unsure else "certain" if proven else SURE.get(name, "likely"),
        candidates=job_scope,
        missing=case.missing,
        safe=_safe(case, job_scope, not unsure),
        next_step=_next(case, name, letters, settled=name not in unsure),
    )


def _cannot_tell(case: Case, row: JobRow, facts: list[str], names: tuple[str, ...], left: list[Segment]) -> Verdict:
    others = (*FAILED, *NOT_SEEN) if row.status == "failed" else NOT_SEEN
    silent = any(segment.state == "unknown" for segment in left)
    return conclude(
        "unknown",
        [*facts, *case.log_gaps],
        confidence="unknown",
        candidates=[*names, *others] if silent else names,
        missing=case.missing,
        next_step=f"{LOOK} Look at the endpoint's log as well." if case.unseen_dead else ENDPOINT_LOG,
    )


def explain(case: Case, row: JobRow, segment: Segment) -> tuple[tuple[str, ...], bool]:
    """Return the verdict names that explain one missing segment, and whether that is settled."""
    if segment.state == "produced but unrecorded":
        return _produced(case, segment)
    signs = [sign for sign in case.signs if sign.segment_index == segment.segment_index]
    if _asks_for_nothing(signs):
        return ("request-never-uploaded",), True
    if segment.state in ("queued", "in flight"):
        retrying = row.status == "failed" or segment.failures
        return (("inference-retrying",) if retrying else ("segments-in-progress",)), True
    if segment.state == "failed":
        return (segment.cause or _failure(signs),), True
    if segment.state == "dead-lettered":
        return _dead_lettered(row, segment, signs)
    return ("unknown",), False


def _dead_lettered(row: JobRow, segment: Segment, signs: list[Sign]) -> tuple[tuple[str, ...], bool]:
    """Its message was given up: its own lines say why; only a refused invocation sets the status failed (F13)."""
    if segment.cause:
        return (segment.cause,), True
    if any(sign.kind in INFERENCE_FAILURES for sign in signs):
        return (_failure(signs),), True
    if row.status == "failed":
        return ("inference-refused",), True
    return ("inference-failed", "inference-timed-out", "request-never-uploaded"), False


def _asks_for_nothing(signs: list[Sign]) -> bool:
    """Return whether SageMaker last found no request to download: only its own line proves it (F12)."""
    told = [sign.kind for sign in signs if sign.kind in ("request-missing", "inference-started")]
    return told[-1:] == ["request-missing"]


def _failure(signs: list[Sign]) -> str:
    kinds = {sign.kind for sign in signs}
    if "invoke-failed" in kinds:
        return "inference-refused"
    return "inference-failed" if kinds & INFERENCE_FAILURES else "inference-timed-out"


def _letter(case: Case, segment: Segment) -> DeadLetter | None:
    """Return the dead letter that would have recorded the segment, where somebody looked and saw it."""
    pair = case.completion_pair
    letter = case.dead_letter(pair.key, "output event", segment.segment_index) if pair else None
    return letter if letter and letter.is_of(segment.produced_at) else None


def _proves(case: Case, name: str, segment: Segment) -> bool:
    if name == "completion-event-dead-lettered":
        return _letter(case, segment) is not None
    return segment.cause == name


def _produced(case: Case, segment: Segment) -> tuple[tuple[str, ...], bool]:
    """The object exists, its row does not: F06, or F18/F19 (pipeline.md 8, "How to read the table")."""
    if case.young(segment.produced_at):
        return ("segments-in-progress",), True
    if _letter(case, segment):
        return ("completion-event-dead-lettered",), True
    if segment.produced_at and any(s.kind == "completion-skipped" and s.at >= segment.produced_at for s in case.signs):
        # job-worker had its event and acknowledged it without a row (F19).
        return ("completion-never-recorded",), True
    pair = case.completion_pair
    dead = known(pair.dlq).visible_messages if pair and pair.dlq else 0
    seen = pair is not None and case.saw_all_dead(pair.key)
    waiting = known(pair.main).all_messages if pair else 0
    if segment.unrecordable < _most_receives(pair) and waiting:
        # Its event may still be queued (job-worker not running, F01): whose the messages are cannot be read.
        lost = ("completion-event-dead-lettered",) if dead and not seen else ()
        return ("unknown", "segments-in-progress", *lost, "completion-never-recorded"), False
    if not dead or seen:
        return ("completion-never-recorded",), True
    if segment.unrecordable >= _most_receives(pair):
        return ("completion-event-dead-lettered",), True
    return ("completion-event-dead-lettered", "completion-never-recorded"), False


def _most_receives(pair: QueuePair | None) -> int:
    return (known(pair.main).max_receive_count if pair else None) or 5


def _safe(case: Case, names: list[str], settled: bool) -> tuple[Action, ...]:
    """Return what may be done: all remedies where each segment's cause is settled, else only what fits every cause."""
    if "inference-refused" in names and not _in_service(case):
        return ("escalate",)
    each = [VERDICTS[name].safe for name in names]
    union = tuple(dict.fromkeys(action for actions in each for action in actions))
    return union if settled else tuple(action for action in union if all(action in actions for actions in each))


def _in_service(case: Case) -> bool:
    endpoint = known(case.evidence.endpoint)
    return endpoint is not None and endpoint.status == "InService"


def _next(case: Case, name: str, letters: list[DeadLetter], *, settled: bool) -> str | None:
    if name == "inference-refused" and not _in_service(case):
        return "Mend the endpoint first: until it is InService a replay is refused again."
    if not settled and case.unseen_dead:
        return f"{LOOK} Until then do only what is safe whichever it is."
    if name == "completion-event-dead-lettered" and letters:
        them = "its letter" if len(letters) == 1 else "their letters"
        return f"Replay {them} (1_dead_letters -p queue={letters[0].queue}), or re-record with the plan below."
    return None


def _overdue(case: Case, left: list[Segment]) -> datetime | None:
    """Return when silence about the first of these segments would begin to mean something."""
    patience = case.patience
    due = [s.produced_at + case.grace for s in left if s.produced_at]
    due += [s.invoked_at + patience.invoke_timeout for s in left if s.state == "in flight" and s.invoked_at]
    due += [s.chunked_at + patience.until_dead_lettered for s in left if s.state == "queued" and s.chunked_at]
    return min((moment for moment in due if moment > case.now), default=None)
