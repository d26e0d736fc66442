"""What was not read is tried with the values it could have: the verdict stands if all of them agree.

This is how "unknown exactly where it could change the verdict or a safe action" is kept without guessing: a rule that
asks for an unread part raises NotKnown; the part is replaced by representatives of every case the rules tell apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ops_lib.decide.verdict import Verdict, conclude
from ops_lib.decide.vocabulary import Action
from ops_lib.evidence import (
    Completion,
    Endpoint,
    JobRow,
    Lock,
    LogLine,
    NotKnown,
    Queue,
    Read,
    S3Object,
    Task,
    Unread,
)
from ops_lib.gathered import JobEvidence
from ops_lib.invocations import Invocation, Invocations
from ops_lib.log_rows import JobLogs

T = TypeVar("T")
Judge = Callable[[JobEvidence, datetime], Verdict]
MOST_TRIALS = 240
STREAM = "ecs/media-worker/00000000000000000000000000000000"
LONG_AGO, JUST_NOW = timedelta(days=2), timedelta(seconds=2)
# Parts that were read and still cannot answer a rule; the source of its NotKnown begins so.
PARTIAL = {"logs": "logs:", "invocations": "dynamodb:Scan"}
BEFORE_ANY_LOCK = timedelta(days=365)  # a lock lives 90 days
STATUSES = (
    "created",
    "chunking_in_progress",
    "chunking_complete",
    "reassembling",
    "failed",
    "completed",
    "deleted",
)


@dataclass
class _Search:
    judge: Judge
    now: datetime
    trials: int = 0
    exhausted: bool = False

    def verdicts(self, evidence: JobEvidence) -> list[Verdict]:
        """Return the verdicts of every completion of `evidence`, or fewer once the budget is spent."""
        self.trials += 1
        if self.trials > self.budget(evidence):
            self.exhausted = True
            return []
        try:
            return [self.judge(evidence, self.now)]
        except NotKnown as question:
            return [v for other in _completed(evidence, question.unread, self.now) for v in self.verdicts(other)]

    @staticmethod
    def budget(evidence: JobEvidence) -> int:
        # A judgement of 10,000 segments costs a hundred times one of a hundred.
        size = len(evidence.completions.value) if isinstance(evidence.completions, Read) else 0
        return MOST_TRIALS if size < 500 else 12


def decide_despite_gaps(evidence: JobEvidence, now: datetime, judge: Judge) -> Verdict:
    """Return judge's verdict where nothing unread matters, else what all possible values agree on, else unknown."""
    try:
        return judge(evidence, now)
    except NotKnown as question:
        search = _Search(judge, now)
        found = search.verdicts(evidence)
        same = {(v.name, v.safe_actions) for v in found}
        if len(same) == 1 and not search.exhausted:
            return replace(found[0], confidence="likely" if found[0].confidence == "certain" else "unknown")
        return _unknown(question.unread, found)


def _unknown(unread: Unread, found: list[Verdict]) -> Verdict:
    names = {name for verdict in found for name in verdict.candidates}
    shared: tuple[Action, ...] = ()
    if found:
        shared = tuple(a for a in found[0].safe_actions if all(a in other.safe_actions for other in found))
    verdict = conclude(
        "unknown",
        [f"{unread.source} was not read: {unread.reason}", "what it says could change the verdict"],
        confidence="unknown",
        candidates=names,
        safe=shared or ("escalate",),
        next_step=unread.next_step[:1].upper() + unread.next_step[1:] + ", then judge again.",
    )
    missing = {v.missing_segments for v in found}
    return replace(verdict, missing_segments=missing.pop() if len(missing) == 1 else ())


def _completed(evidence: JobEvidence, unread: Unread, now: datetime) -> Iterator[JobEvidence]:
    """Yield `evidence` with the unread part replaced by each of its representatives."""
    for name, maker in _MAKERS.items():
        part = getattr(evidence, name)
        if part is unread or (name in PARTIAL and unread.source.startswith(PARTIAL[name])):
            for value in maker(evidence, now):
                yield _with(evidence, name, Read(value, "supposed", now))
            return
    for key, pair in evidence.queues.items():
        for side in ("main", "dlq"):
            if getattr(pair, side) is unread:
                for queue in _queues(key):
                    supposed = Read(queue, "supposed", now)
                    yield replace(evidence, queues={**evidence.queues, key: _with(pair, side, supposed)})
                return
    raise AssertionError(f"no representatives for {unread.source}")


def _with(thing: T, name: str, part: Read[object]) -> T:
    changed: dict[str, Any] = {name: part}
    return replace(thing, **changed)  # type: ignore[type-var]


def _rows(evidence: JobEvidence, now: datetime) -> list[JobRow | None]:
    old, total = now - LONG_AGO, _total(evidence)
    rows: list[JobRow | None] = [None]
    for status in STATUSES:
        done = old if status == "completed" else None
        rows.append(JobRow(evidence.job_id, status, "anaglyph", old, done, total))
    return rows


def _completion_sets(evidence: JobEvidence, now: datetime) -> list[tuple[Completion, ...]]:
    total, old = _total(evidence), now - LONG_AGO
    full = tuple(Completion(index, old, total) for index in range(total))
    fresh = tuple(replace(row, completed_at=now - JUST_NOW) for row in full)
    return [(), full[1:], full, fresh, (*full, Completion(total, old, total))]


def _locks(evidence: JobEvidence, now: datetime) -> list[Lock | None]:
    old, new = now - LONG_AGO, now - JUST_NOW
    # Put before the last completion (too early), right after it as the pipeline does, and just now.
    known_times = evidence.completions.value if isinstance(evidence.completions, Read) else ()
    times = [row.completed_at for row in known_times if row.completed_at]
    after = max(times, default=old) + timedelta(seconds=1)
    return [None, *(Lock(put, taken) for put in (old, after, new) for taken in (None, put))]


def _outputs(evidence: JobEvidence, now: datetime) -> list[tuple[S3Object, ...]]:
    job, old = evidence.job_id, now - LONG_AGO
    all_of = tuple(S3Object(f"jobs/{job}/segments/{i}.mp4", 1, old) for i in range(_total(evidence)))
    missing = set(_missing(evidence))
    recorded = tuple(found for index, found in enumerate(all_of) if index not in missing)
    return [(), recorded, all_of, (*all_of, S3Object(f"jobs/{job}/final.mp4", 1, now - timedelta(hours=1)))]


def _sources(evidence: JobEvidence, now: datetime) -> list[tuple[S3Object, ...]]:
    key = f"input/{evidence.job_id}/source.mp4"
    return [(), (S3Object(key, 1, now - LONG_AGO),), (S3Object(key, 1, now - JUST_NOW),)]


def _chunks(evidence: JobEvidence, now: datetime) -> list[tuple[S3Object, ...]]:
    total = _total(evidence)
    keys = [f"segments/{evidence.job_id}/{i:05d}_{total:05d}_anaglyph.mp4" for i in range(total)]
    ages = (LONG_AGO, timedelta(minutes=20), JUST_NOW)
    return [(), *(tuple(S3Object(key, 1, now - age) for key in keys) for age in ages)]


def _tasks(evidence: JobEvidence, now: datetime) -> list[tuple[Task, ...]]:
    """Every task that a line names may still run, and may have started before any lock: then nothing proves its end."""
    lines = evidence.logs.value.lines if isinstance(evidence.logs, Read) else ()
    named = sorted({stream.rsplit("/", 1)[-1] for stream in (STREAM, *(line.stream for line in lines))})
    return [
        tuple(Task(task_id, "media-worker", "RUNNING", now - BEFORE_ANY_LOCK) for task_id in named),
        (Task("1" * 32, "media-worker", "RUNNING", now - timedelta(seconds=1)),),
    ]


def _logs(evidence: JobEvidence, now: datetime) -> list[JobLogs]:
    job, missing = evidence.job_id, _missing(evidence)
    stories: list[list[str]] = [[]]
    for line in (
        "video-worker: job_id={job} segment_index={i} invoke_async failed: supposed",
        "segment-output: job_id={job} segment_index={i} failed to process message: supposed",
        "job_id={job} segment_index={i} invocations failed: supposed",
    ):
        stories.append([line.format(job=job, i=i) for i in missing for _ in range(5)])
    stories.append([f"reassembly: job_id={job} failed to process message: supposed"])
    stories.append([f"reassembly: job_id={job} concat {_total(evidence)} segments"])
    stories.append([f"chunking: job_id={job} start (supposed)"])
    stories.append([f"chunking: job_id={job} skip (status=ingesting)"])
    stories.append([f"ingest: job_id={job} start source_url=supposed"])
    at = now - JUST_NOW
    told = [JobLogs(tuple(LogLine(at, "g", STREAM, text) for text in story), (), ("g",)) for story in stories]
    invoked = [f"video-worker: job_id={job} segment_index={i}/9 invoked (supposed)" for i in missing]
    return [*told, JobLogs(tuple(LogLine(at, "g", "s", text) for text in invoked), (), ("g",))]


def _invocations(evidence: JobEvidence, now: datetime) -> list[Invocations | None]:
    missing = _missing(evidence)
    told = [
        tuple(Invocation("supposed", index, now - JUST_NOW, text) for index in missing)
        for text in (None, "Timed out (supposed)", "Received server error (supposed)")
    ]
    return [None, *(Invocations(rows, len(rows)) for rows in told)]


def _queues(key: str) -> list[Queue]:
    usual = {"ingest": 1200, "chunking": 900, "video-worker": 2400, "reassembly": 600}.get(key, 120)
    # AWS's largest VisibilityTimeout (12 hours) and maxReceiveCount: patience that was not read may be that long.
    return [
        Queue(key, "", count, 0, 0, visibility_s, 1_209_600, receives, None)
        for count in (0, 3)
        for visibility_s, receives in ((usual, 5), (43_200, 1000))
    ]


def _missing(evidence: JobEvidence) -> tuple[int, ...]:
    read = evidence.completions
    recorded = {row.segment_index for row in read.value} if isinstance(read, Read) else set()
    return tuple(index for index in range(_total(evidence)) if index not in recorded)


def _total(evidence: JobEvidence) -> int:
    if isinstance(evidence.row, Read) and evidence.row.value and evidence.row.value.total_segments:
        return evidence.row.value.total_segments
    if isinstance(evidence.chunks, Read):
        return len(evidence.chunks.value) or 3
    return 3


_MAKERS: dict[str, Callable[[JobEvidence, datetime], Sequence[object]]] = {
    "row": _rows,
    "completions": _completion_sets,
    "lock": _locks,
    "outputs": _outputs,
    "source": _sources,
    "chunks": _chunks,
    "tasks": _tasks,
    "logs": _logs,
    "invocations": _invocations,
    "invoke_timeout_s": lambda evidence, now: [1200, 3600],
    "oldest_reassembly_s": lambda evidence, now: [None, 1.0, LONG_AGO.total_seconds() * 2],
    "endpoint": lambda evidence, now: [None, Endpoint("e", "InService", "c", None, None)],
}
