"""One job's evidence as the rules ask for it. Asking for what was not read raises NotKnown: the question matters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from ops_lib.decide.bodies import Body, Kind, decode
from ops_lib.decide.log_lines import Sign, read_signs
from ops_lib.decide.segments import Patience, Segment, output_times, segment_rows
from ops_lib.evidence import JobRow, Lock, NotKnown, Queue, QueuePair, Read, S3Object, Unread, known
from ops_lib.gathered import JobEvidence
from ops_lib.invocations import Invocation
from ops_lib.letters import DeadLetter
from ops_lib.log_format import last_words
from ops_lib.redaction import shortened

POLL = timedelta(seconds=20)  # SQS_LONG_POLL_WAIT_SECONDS, pipeline.md 1
COMPLETION_QUEUES = ("job-status-events", "segment-output", "output-events")
DEFAULT_MAX_RECEIVE_COUNT = 5
DEAD_SEGMENT = ("video-worker", "segment event")
ENDPOINT_GROUPS = "/aws/sagemaker/Endpoints/"


@dataclass(frozen=True)
class Case:
    """The evidence and the time it is judged at; every property asks for exactly the parts it needs."""

    evidence: JobEvidence
    now: datetime

    @cached_property
    def row(self) -> JobRow | None:
        return known(self.evidence.row)

    @cached_property
    def total(self) -> int:
        row = self.row
        return (row.total_segments or 0) if row else 0

    @cached_property
    def recorded(self) -> frozenset[int]:
        return frozenset(row.segment_index for row in known(self.evidence.completions))

    @cached_property
    def missing(self) -> tuple[int, ...]:
        return tuple(index for index in range(self.total) if index not in self.recorded)

    @cached_property
    def last_completion(self) -> datetime | None:
        times = [row.completed_at for row in known(self.evidence.completions) if row.completed_at]
        return max(times, default=None)

    @cached_property
    def produced(self) -> dict[int, datetime]:
        return output_times(known(self.evidence.outputs))

    @cached_property
    def film(self) -> S3Object | None:
        key = f"jobs/{self.evidence.job_id}/final.mp4"
        return next((found for found in known(self.evidence.outputs) if found.key == key), None)

    @cached_property
    def lock(self) -> Lock | None:
        return known(self.evidence.lock)

    @cached_property
    def signs(self) -> tuple[Sign, ...]:
        return read_signs(known(self.evidence.logs).lines)

    @cached_property
    def log_gaps(self) -> tuple[str, ...]:
        return known(self.evidence.logs).gaps

    def invocation(self, index: int) -> Invocation | None:
        """Return a segment's newest invocation row; None without one, or without that table.

        Raises NotKnown where the rows were not read, or only a part of them: a newer one may be among the rest.
        """
        return self._newest_invocations.get(index)

    @cached_property
    def _newest_invocations(self) -> dict[int, Invocation]:
        found = known(self.evidence.invocations)
        if found and found.cut_off:
            reason = f"the scan was cut off after {found.scanned} rows"
            raise NotKnown(Unread("dynamodb:Scan", "partial", reason, "look at the endpoint's log"))
        return {row.segment_index: row for row in found.rows} if found else {}

    def error_of(self, sign: Sign) -> str | None:
        """Return the exception that ended the traceback below a line, redacted; None where none is surely its own."""
        for found in known(self.evidence.logs).tracebacks:
            if (found.line.at, found.line.stream, found.line.message) == (sign.at, sign.stream, sign.message):
                return None if found.doubt else shortened(last_words(found.following)) or None
        return None

    def newest_error(self, kind: str, indexes: Iterable[int]) -> list[str]:
        """Return, as a fact, the exception below the newest line of a kind about these segments, if it was read."""
        mine = set(indexes)
        told = [s for s in self.signs if s.kind == kind and s.segment_index in mine]
        found = next((error for sign in reversed(told) if (error := self.error_of(sign))), None)
        return [f"its traceback ends: {found}"] if found else []

    def pair(self, key: str) -> QueuePair | None:
        return self.evidence.queues.get(key)

    def queue(self, key: str) -> Queue | None:
        pair = self.pair(key)
        return None if pair is None else known(pair.main)

    @cached_property
    def completion_pair(self) -> QueuePair | None:
        return next((pair for key in COMPLETION_QUEUES if (pair := self.pair(key))), None)

    @cached_property
    def letters(self) -> tuple[tuple[DeadLetter, Body], ...]:
        """Return the dead letters that name this job, as far as somebody looked; the newest last."""
        looks = [look.value for look in self.evidence.dead_letters.values() if isinstance(look, Read)]
        told = [(letter, decode(letter.body)) for look in looks for letter in look.letters]
        return tuple((letter, body) for letter, body in told if body.job_id == self.evidence.job_id)

    def dead_letter(self, key: str, kind: Kind, segment_index: int | None = None) -> DeadLetter | None:
        """Return the job's newest letter of this kind behind the queue `key`; None: there is none, or nobody looked."""
        wanted = (key, kind, segment_index)
        return next((x for x, body in self.letters[::-1] if (x.queue, body.kind, body.segment_index) == wanted), None)

    def saw_all_dead(self, key: str) -> bool:
        """Return whether somebody looked into the dead-letter queue of `key` and saw every letter in it."""
        look = self.evidence.dead_letters.get(key)
        return isinstance(look, Read) and look.value.saw_all

    @cached_property
    def unseen_dead(self) -> bool:
        """Return whether there are dead letters on its path that nobody looked at."""
        dlqs = {key: pair.dlq for key, pair in self.evidence.queues.items()}
        waiting = {key for key, dlq in dlqs.items() if isinstance(dlq, Read) and dlq.value.visible_messages}
        return bool(waiting - self.evidence.dead_letters.keys())

    @cached_property
    def grace(self) -> timedelta:
        """How long the pipeline's own retry of its last step may take: visibility timeout and one long poll."""
        pair = self.completion_pair
        return POLL + timedelta(seconds=known(pair.main).visibility_timeout_s if pair else 120)

    def young(self, moment: datetime | None) -> bool:
        """Return whether `moment` is within the grace, so that the pipeline's next step may still be due."""
        return moment is not None and self.now - moment < self.grace

    @cached_property
    def patience(self) -> Patience:
        queue = self.queue("video-worker")
        return Patience(
            visibility=timedelta(seconds=queue.visibility_timeout_s if queue else 0),
            max_receive_count=(queue.max_receive_count if queue else None) or DEFAULT_MAX_RECEIVE_COUNT,
            invoke_timeout=timedelta(seconds=known(self.evidence.invoke_timeout_s)),
            may_wait=bool(queue and queue.all_messages),
            lines_complete=not self.log_gaps,
            endpoint_lines=any(group.startswith(ENDPOINT_GROUPS) for group in known(self.evidence.logs).groups),
        )

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        return segment_rows(
            self.total,
            known(self.evidence.completions),
            known(self.evidence.outputs),
            known(self.evidence.chunks),
            self.signs,
            self.patience,
            self.now,
            self.invocation,
            {body.segment_index: x for x, body in self.letters if (x.queue, body.kind) == DEAD_SEGMENT},
        )

    def ago(self, moment: datetime | None) -> str:
        """Return "12 min ago" for a sentence; "at an unknown time" where there is none."""
        if moment is None:
            return "at an unknown time"
        return f"{words((self.now - moment).total_seconds())} ago"


def words(seconds: float) -> str:
    """Return a duration as people say it: 45 s, 12 min, 3 h 20 min, 4 d 2 h."""
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 120:
        return f"{minutes} min"
    if hours < 48:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def spans(indexes: tuple[int, ...], most: int = 8) -> str:
    """Return indexes as ranges: "3, 7-9, 12"; at most `most` ranges, then how many more."""
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    text = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs[:most])
    more = sum(b - a + 1 for a, b in runs[most:])
    return f"{text} and {more} more" if more else text
