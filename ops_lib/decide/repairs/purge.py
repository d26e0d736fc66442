"""The plan that purges one dead-letter queue: only where a look saw all of it, and nobody needs any of it.

A purge is one call for any number of letters, and takes whatever is there. So the plan carries every letter that was
seen; `ops apply` looks again, compares, keeps all of them in the backup, and only then makes the call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from ops_lib.change.plan import Call, Condition, Plan, Step
from ops_lib.decide.case import Case
from ops_lib.decide.checks import counted
from ops_lib.decide.dead_letters import DISCARD, JudgedLetter
from ops_lib.decide.repairs.job import Job
from ops_lib.decide.repairs.letters import letter_in, pair_of, still_as_judged
from ops_lib.decide.repairs.names import NOBODY, NOT_YET, Names, NoRepair, Unsafe
from ops_lib.decide.repairs.planned import answered, planned, whole_seconds
from ops_lib.decide.stuck_job import judge
from ops_lib.evidence import Evidence, Queue, QueuePair, Unread
from ops_lib.gathered import JobEvidence
from ops_lib.letters import Inspection

COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


def plan_purge(
    look: Evidence[Inspection],
    judged: Sequence[JudgedLetter],
    jobs: Mapping[str, JobEvidence],
    queues: Mapping[str, QueuePair],
    names: Names,
    now: datetime,
) -> Plan | NoRepair:
    """Return the plan that purges the dead-letter queue that `look` is of, or why it must not be.

    `judged`: its letters, all of them; `jobs`: the evidence they were judged with.
    """
    return answered(lambda: _plan(look, judged, jobs, queues, names, whole_seconds(now)))


def _plan(
    look: Evidence[Inspection],
    judged: Sequence[JudgedLetter],
    jobs: Mapping[str, JobEvidence],
    queues: Mapping[str, QueuePair],
    names: Names,
    now: datetime,
) -> Plan:
    seen = _all_seen(look)
    _, dlq = pair_of(queues, seen.queue)
    own = {one.letter.message_id: one for one in judged if one.letter.queue == seen.queue}
    _require_not_needed([own.get(letter.message_id) for letter in seen.letters])
    count = len(seen.letters)
    letters = counted(seen.letters, "dead letter")
    kinds = Counter(one.name for one in own.values())
    step = Step(
        title=f"purge {dlq.name}: {letters}",
        call=Call("sqs", "PurgeQueue", {"QueueUrl": dlq.url}),
        before=f"{letters}, none in flight: " + ", ".join(f"{n} {name}" for name, n in sorted(kinds.items())),
        after="the queue is empty; a copy of each letter that was seen is in the backup file of this plan",
        risk="It takes whatever is there: also a message that arrives before it has ended, which takes SQS up to 60 s, "
        "and that one nobody has seen and no backup has. SQS allows one purge of a queue in 60 s.",
        undo="none: send the copies in the backup file to their main queue",
        conditions=(_counts("the letters in the queue", dlq, count), *_as_judged(own.values(), jobs, names, now)),
        done_when=_counts("the queue is empty", dlq, 0),
        letters=tuple(letter_in(dlq, letter) for letter in seen.letters),
    )
    reason = f"purge {letters} of {seen.queue} that nobody needs"
    return planned(names, now, f"Purge {dlq.name}", reason, [step], [_counts("the queue is empty", dlq, 0)])


def _all_seen(look: Evidence[Inspection]) -> Inspection:
    if isinstance(look, Unread):
        raise Unsafe(f"Nobody has seen its letters ({look.reason}): a purge would take what nobody knows.", NOT_YET)
    seen = look.value
    if not seen.saw_all:
        why = f"; it stopped early: {seen.stopped_by}" if seen.stopped_by else ""
        about = counted(range(seen.about), "letter")
        raise Unsafe(
            f"The look saw {len(seen.letters)} of about {about}, {seen.in_flight} in flight{why}. A purge "
            f"would take what nobody has seen. {seen.to_see_all}, or discard the ones that were seen.",
            NOT_YET,
        )
    if not seen.letters:
        raise Unsafe("The dead-letter queue is empty.", NOBODY)
    return seen


def _require_not_needed(judged: Sequence[JudgedLetter | None]) -> None:
    kept = Counter(one.name if one else "not judged" for one in judged if one is None or one.safe != DISCARD)
    if kept:
        listed = ", ".join(f"{count} {name}" for name, count in sorted(kept.items()))
        are = "is" if kept.total() == 1 else "are"
        reason = f"{kept.total()} of {counted(judged, 'letter')} {are} not to be discarded ({listed})"
        raise Unsafe(f"{reason}: replay or look into them first.", NOT_YET)


def _as_judged(
    judged: Iterable[JudgedLetter],
    jobs: Mapping[str, JobEvidence],
    names: Names,
    now: datetime,
) -> Iterator[Condition]:
    """Yield that the job of each letter still is what made it needless; one condition for each job."""
    named = {one.body.job_id for one in judged if one.body.job_id}
    for job_id in sorted(named & jobs.keys()):
        evidence = jobs[job_id]
        yield from still_as_judged(Job(Case(evidence, now), judge(evidence, now), names))


def _counts(what: str, dlq: Queue, visible: int) -> Condition:
    """So many letters are visible, and none is in flight."""
    call = Call("sqs", "GetQueueAttributes", {"QueueUrl": dlq.url, "AttributeNames": list(COUNTS)})
    return Condition(what, call, f"Attributes.[{', '.join(COUNTS)}]", [str(visible), "0"])
