"""All letters that a look saw, judged together with their jobs, and the groups in which people read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from ops_lib.decide.bodies import Kind, decode
from ops_lib.decide.dead_letters import JudgedLetter, LetterClass, judge_letter
from ops_lib.decide.stuck_job import judge
from ops_lib.decide.verdict import Verdict
from ops_lib.decide.vocabulary import Action, Severity
from ops_lib.evidence import Evidence, QueuePair, Read, Unread
from ops_lib.gathered import JobEvidence
from ops_lib.letters import DeadLetter, Inspection

Looks = Mapping[str, Evidence[Inspection]]
MOST_JOBS = 200
ORDER: tuple[Severity, ...] = ("critical", "unknown", "warning")


@dataclass(frozen=True)
class Group:
    """Letters of one queue that are the same to whoever decides: class, what the body is about, what may be done.

    `letters`: the first to expire stands first.
    """

    queue: str
    name: LetterClass
    kind: Kind
    safe: tuple[Action, ...]
    letters: tuple[JudgedLetter, ...]

    @property
    def severity(self) -> Severity:
        """Return the severity of its class."""
        return self.letters[0].severity

    @property
    def oldest(self) -> datetime | None:
        """Return when the oldest of them was first sent (UTC); None where SQS did not say."""
        return min((one.letter.sent_at for one in self.letters if one.letter.sent_at), default=None)

    @property
    def expires_at(self) -> datetime | None:
        """Return when the first of them is gone (UTC); None where that is not known."""
        return self.letters[0].expires_at

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why they are of this class, each reason once; which segment it is does not make it another."""
        return tuple(dict.fromkeys(_of_any_segment(one) for one in self.letters))


@dataclass(frozen=True)
class Letters:
    """What looks saw, each letter judged with its job at `now` (UTC). `jobs`: evidence by id, the letters included.

    `judged`: what is needed first, then what expires first.
    """

    looks: Looks
    jobs: Mapping[str, JobEvidence]
    judged: tuple[JudgedLetter, ...]
    now: datetime

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """Return the verdict on each job that was read, by its id."""
        return {job_id: judge(job, self.now) for job_id, job in self.jobs.items()}

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Return the letters in groups: what is needed first, then what expires first."""
        found: dict[tuple[str, LetterClass, Kind, tuple[Action, ...]], list[JudgedLetter]] = {}
        for one in self.judged:
            found.setdefault((one.letter.queue, one.name, one.body.kind, one.safe), []).append(one)
        groups = [Group(*key, tuple(letters)) for key, letters in found.items()]
        return tuple(sorted(groups, key=lambda group: _needed_first(group.letters[0])))

    def unread(self) -> dict[str, Unread]:
        """Return what was not read: looks that failed, parts of the jobs, jobs that were too many."""
        unread = {f"{key} dead letters": look for key, look in self.looks.items() if isinstance(look, Unread)}
        for job_id, job in self.jobs.items():
            parts = job.unread().items()
            unread |= {f"{name} of job {job_id}": part for name, part in parts if name not in unread}
        left = len(set(_job_ids(self.looks)) - self.jobs.keys())
        if left:
            reason = f"the letters name {left + len(self.jobs)} jobs, of which {MOST_JOBS} are read"
            step = "deal with these letters first, then look again"
            unread[f"{left} jobs that letters name"] = Unread("dead letters", "not-asked", reason, step)
        return unread


def jobs_named(looks: Looks) -> tuple[str, ...]:
    """Return the ids of the jobs that the letters name, those of the oldest letters first; at most `MOST_JOBS`."""
    return tuple(dict.fromkeys(_job_ids(looks)))[:MOST_JOBS]


def judge_letters(
    looks: Looks, jobs: Mapping[str, JobEvidence], queues: Mapping[str, QueuePair], now: datetime
) -> Letters:
    """Return every letter that was seen with its class. `jobs`: evidence of those that `jobs_named` names."""
    whole = {job_id: replace(job, dead_letters=looks) for job_id, job in jobs.items()}
    judged = [judge_letter(one, whole, _retention_s(queues, one.queue), now) for one in _letters(looks)]
    return Letters(looks, whole, tuple(sorted(judged, key=_needed_first)), now)


def _letters(looks: Looks) -> Iterator[DeadLetter]:
    for look in looks.values():
        if isinstance(look, Read):
            yield from look.value.letters


def _job_ids(looks: Looks) -> list[str]:
    oldest_first = sorted(_letters(looks), key=lambda one: one.sent_at.timestamp() if one.sent_at else 0.0)
    return [job_id for one in oldest_first if (job_id := decode(one.body).job_id)]


def _retention_s(queues: Mapping[str, QueuePair], key: str) -> int | None:
    pair = queues.get(key)
    return pair.dlq.value.retention_s if pair and isinstance(pair.dlq, Read) else None


def _needed_first(one: JudgedLetter) -> tuple[int, float, str]:
    expiry = one.expires_at.timestamp() if one.expires_at else float("inf")
    return ORDER.index(one.severity), expiry, one.letter.message_id


def _of_any_segment(one: JudgedLetter) -> str:
    return re.sub(rf"\bsegment {one.body.segment_index}\b", "its segment", one.why)
