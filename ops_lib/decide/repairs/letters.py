"""Plans for dead letters: replay what is still needed, discard what nobody needs (pipeline.md 3, "DLQ replay").

A letter is replayed only where the replay table says so, and only to the queue whose RedrivePolicy names its
dead-letter queue. What the table depends on is a condition that is read again when the plan is applied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from ops_lib.change.plan import Call, Condition, Letter, Plan, Step
from ops_lib.decide.case import Case
from ops_lib.decide.checks import counted
from ops_lib.decide.dead_letters import DISCARD, REPLAY, JudgedLetter
from ops_lib.decide.repairs import conditions, reassembly
from ops_lib.decide.repairs.events import in_service
from ops_lib.decide.repairs.job import Job
from ops_lib.decide.repairs.names import NOBODY, NOT_YET, NOTHING_CHOSEN, Names, NoRepair, Unsafe
from ops_lib.decide.repairs.planned import planned, whole_seconds
from ops_lib.decide.stuck_job import judge
from ops_lib.evidence import Lock, NotKnown, Queue, QueuePair, Read, known
from ops_lib.gathered import JobEvidence
from ops_lib.letters import DeadLetter, as_json, content_of

RISK_OF_REPLAY = (
    "If what failed the last time still fails, it comes back as a new dead letter. What was sent is known to one "
    "journal only: if somebody replays it under another one and is ended half-way, it may be sent twice."
)
What = Literal["replay", "discard"]
MOST_REASONS = 3
# What one more copy of a message does, by what it is about (pipeline.md 8: F37, section 3).
DOUBLES = {
    "source event": "the source's event: chunking skips it once the job is cut, or cuts it twice into the same objects",
    "segment event": "the inference of this segment: its cost, and the same output written again",
    "output event": "the completion of this segment, written again with the same content",
    "film event": "the update of the job to completed, with the same content",
    "reassembly-done event": "the update of the job to completed, with the same content",
    "job message": "the message: acknowledged, for one worker holds the lock or has cleaned up already",
    "ingest message": "the ingest message: skipped while the first is being fetched",
}


def plan_letters(
    what: What,
    judged: Sequence[JudgedLetter],
    jobs: Mapping[str, JobEvidence],
    queues: Mapping[str, QueuePair],
    names: Names,
    now: datetime,
) -> tuple[Plan | NoRepair, dict[str, str]]:
    """Return the plan that replays or discards these letters, and by MessageId why the others are not in it.

    `jobs`: the evidence the letters were judged with; `queues`: where they lie. Only letters whose class says that
    it is safe are in the plan, whoever chose them.
    """
    if not judged:
        return NoRepair(f"No letter was seen or chosen, so there is none to {what}.", NOTHING_CHOSEN), {}
    now = whole_seconds(now)
    steps: list[Step] = []
    without: dict[str, str] = {}
    wanted = REPLAY if what == "replay" else DISCARD
    for one in sorted(judged, key=lambda each: each.letter.queue):
        try:
            if one.safe != wanted:
                raise Unsafe(f"{one.name}: {one.why}")
            steps.append(_step(what, one, jobs.get(one.body.job_id or ""), queues, names, now))
        except Unsafe as refused:
            without[one.letter.message_id] = refused.answer.reason
        except NotKnown as question:
            without[one.letter.message_id] = f"{question.unread.source} was not read: {question.unread.reason}"
    if not steps:
        return _none_may(what, judged, without), without
    reason = _reason(what, [one for one in judged if one.letter.message_id not in without])
    return planned(names, now, f"{what.capitalize()} {counted(steps, 'dead letter')}", reason, steps), without


def _step(
    what: What,
    one: JudgedLetter,
    evidence: JobEvidence | None,
    queues: Mapping[str, QueuePair],
    names: Names,
    now: datetime,
) -> Step:
    main, dlq = pair_of(queues, one.letter.queue)
    _require_bucket(one, names)
    letter, body = one.letter, one.body
    job = Job(Case(evidence, now), judge(evidence, now), names) if evidence else None
    segment = "" if body.segment_index is None else f" of segment {body.segment_index}"
    kind = "malformed message" if body.kind == "malformed" else body.kind
    about = f"{kind}{segment}" + (f" of job {body.job_id}" if body.job_id else "")
    held = letter_in(dlq, letter)
    shared: dict[str, Any] = {
        "before": f"{letter.message_id} lies in {dlq.name}, received {letter.receives} times: {one.name}, {one.why}",
        "letter": held,
        "job_id": body.job_id or "",
    }
    if what == "discard":
        return Step(
            title=f"discard the {about} from {dlq.name}",
            call=Call("sqs", "DeleteMessage", {"QueueUrl": dlq.url}),
            after="it is deleted; its copy is in the backup file of this plan",
            risk="If the class is wrong, what it asked for is not done: send it again from the backup.",
            undo="send the copy in the backup file to its main queue",
            conditions=still_as_judged(job),
            **shared,
        )
    return Step(
        title=f"replay the {about} from {dlq.name} to {main.name}",
        call=Call("sqs", "SendMessage", _message(main.url, one)),
        after=f"the same message, body and attributes, is in {main.name}, and only then the letter is deleted",
        risk=RISK_OF_REPLAY,
        undo="none: a message cannot be called back",
        conditions=(*still_as_judged(job), *_still_needed(job, one)),
        harmless_twice=body.kind in DOUBLES,
        doubles=DOUBLES.get(body.kind, ""),
        **shared,
    )


def pair_of(queues: Mapping[str, QueuePair], key: str) -> tuple[Queue, Queue]:
    """Return a main queue and its dead-letter queue. Raises Unsafe where there is none, NotKnown where unread."""
    pair = queues.get(key)
    if pair is None or pair.dlq is None:
        raise Unsafe(f"no queue of this deployment is called {key}")
    main, dlq = known(pair.main), known(pair.dlq)
    others = [other.key for other in queues.values() if other.key != key and _arn(other) == main.dlq_arn]
    if others:
        raise Unsafe(f"{dlq.name} also takes the dead letters of {', '.join(others)}: whose it is cannot be read")
    return main, dlq


def _arn(pair: QueuePair) -> str | None:
    """Return the dead-letter queue that a main queue names, None where that was not read."""
    return pair.main.value.dlq_arn if isinstance(pair.main, Read) else None


def _require_bucket(one: JudgedLetter, names: Names) -> None:
    """A letter is judged by the objects of this deployment; the worker reads from the bucket that the letter names."""
    bucket = one.body.bucket
    if one.body.key and bucket not in (names.input_bucket, names.output_bucket):
        raise Unsafe(f"it is about an object in the bucket {bucket}, which is none of this deployment's")


def _message(url: str, one: JudgedLetter) -> dict[str, Any]:
    """Return SendMessage's arguments: the body verbatim, attributes of every type, group and trace header."""
    content = content_of(one.letter.as_received())
    if attributes := content.get("MessageAttributes"):
        content["MessageAttributes"] = {name: as_json(value) for name, value in attributes.items()}
    return {"QueueUrl": url} | content


def still_as_judged(job: Job | None) -> tuple[Condition, ...]:
    """The job's row says what it said when the letter was judged: gone, or of the same status."""
    if job is None:
        return ()
    row = job.case.row
    if row is None:
        return (conditions.row_gone(job),)
    return (conditions.row_is(job, row.status, row.total_segments),)


def _still_needed(job: Job | None, one: JudgedLetter) -> tuple[Condition, ...]:
    """What the replay table asks of this kind of message beside the job's status."""
    index = one.body.segment_index
    if job is None or job.case.row is None:
        return ()
    if index is not None:
        endpoint = in_service(job) if one.body.kind == "segment event" else ()
        return (conditions.not_recorded(job, index), _object(one), *endpoint)
    if one.body.kind == "job message" and one.letter.queue == "reassembly":
        lock = known(job.case.evidence.lock)
        waits = conditions.lock_is(job, lock if isinstance(lock, Lock) else None)
        return (*reassembly.ready(job, job.case.row.status), waits)
    return (_object(one),) if one.body.key else ()


def _object(one: JudgedLetter) -> Condition:
    bucket, key = str(one.body.bucket), str(one.body.key)
    return conditions.objects_are(f"the object it is about exists ({key})", bucket, key, [key])


def letter_in(dlq: Queue, letter: DeadLetter) -> Letter:
    """Return what a plan holds of a letter: enough to find it and to know it again."""
    return Letter(dlq.url, letter.message_id, letter.md5_of_body, letter.md5_of_attributes)


def _reason(what: What, chosen: Sequence[JudgedLetter]) -> str:
    counts = Counter(f"{one.letter.queue}: {one.name}" for one in chosen)
    return f"{what} " + ", ".join(f"{count} of {key}" for key, count in sorted(counts.items()))


def _none_may(what: What, judged: Sequence[JudgedLetter], without: Mapping[str, str]) -> NoRepair:
    """Return why none of the letters may be moved: needed and unknown ones first, then the most frequent reason."""
    told = Counter((one.severity == "warning", without[one.letter.message_id]) for one in judged)
    open_ones = sum(count for (settled, _), count in told.items() if not settled)
    whom = NOT_YET if open_ones else NOBODY
    head = f"None of {len(judged)} letters may be {what}ed" if len(judged) > 1 else f"The letter may not be {what}ed"
    if len(told) == 1:
        return NoRepair(f"{head}. {next(iter(without.values()))}", whom)
    ordered = sorted(told.items(), key=lambda each: (each[0][0], -each[1]))
    more = f"; and {len(told) - MOST_REASONS} more reasons" if len(told) > MOST_REASONS else ""
    reasons = "; ".join(f"{count}: {why}" for (_, why), count in ordered[:MOST_REASONS])
    return NoRepair(f"{head}. {reasons}{more}", whom)
