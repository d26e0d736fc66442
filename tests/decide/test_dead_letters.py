"""The replay table of pipeline.md 3, line by line: what a letter is, and whether it may be replayed or discarded."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ops_lib.decide.dead_letters import CLASSES, JudgedLetter, judge_letter
from ops_lib.evidence import S3Object, known
from ops_lib.gathered import JobEvidence
from ops_lib.letters import DeadLetter
from tests.decide.states import HOUR, JOB, LONG, NOW, at, job, line
from tests.recorded import UNREAD, read

FOUR_DAYS = 345_600
REPLAY, DISCARD, WAIT, CALL = "replay-dead-letter", "discard-dead-letter", "wait", "escalate"
SOURCE, SEGMENT = f"input/{JOB}/source.mp4", f"segments/{JOB}/00001_00003_sbs.mp4"
OUTPUT, FILM = f"jobs/{JOB}/segments/1.mp4", f"jobs/{JOB}/final.mp4"
MESSAGE = f'{{"job_id":"{JOB}"}}'
TEST_EVENT = '{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}'
INGEST = f'{{"source_type":"youtube","job_id":"{JOB}","source_url":"https://youtu.be/x"}}'
NO_ROW = replace(job(), row=read(None))


def s3(key: str) -> str:
    return json.dumps({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": key}}}]})


def judged(queue: str, body: str, about: JobEvidence | None = None) -> JudgedLetter:
    letter = DeadLetter(queue, "m", body, at(LONG), at(LONG), 6)
    jobs = {JOB: about} if about else {}
    return judge_letter(letter, jobs, FOUR_DAYS, NOW)


def missing(**given: Any) -> JobEvidence:
    """A job whose segment 1 is neither made nor recorded."""
    return job(recorded=(0, 2), **given)


def unrecorded(**given: Any) -> JobEvidence:
    """A job whose segment 1 is made and not recorded."""
    return job(recorded=(0, 2), produced=(0, 1, 2), **given)


def before(status: str, **given: Any) -> JobEvidence:
    return job(status=status, total=None, recorded=(), **given)


def completed(**given: Any) -> JobEvidence:
    return job(status="completed", film_s=HOUR, completed_at=at(HOUR), **given)


def cut_twice() -> JobEvidence:
    """Segment 1 of 3 is missing, and the objects of an earlier cutting into nine are still there."""
    now = missing()
    old = tuple(S3Object(f"segments/{JOB}/{index:05d}_00009_sbs.mp4", 1, at(LONG)) for index in range(9))
    return replace(now, chunks=read((*known(now.chunks), *old)))


START = "chunking: job_id={J} start (key=k)"
INVOKED = "video-worker: job_id={J} segment_index=1/3 invoked (x)"
TABLE = [
    # chunking
    ("chunking", s3(SOURCE), before("created"), "still-needed", REPLAY),
    ("chunking", s3(SOURCE), before("chunking_in_progress"), "still-needed", REPLAY),
    ("chunking", s3(SOURCE), before("created", source=False), "would-be-swallowed", DISCARD),
    ("chunking", s3(SOURCE), before("ingesting"), "would-be-swallowed", WAIT),
    ("chunking", s3(SOURCE), job(), "duplicate-source-event", DISCARD),
    ("chunking", s3(SOURCE), completed(), "duplicate-source-event", DISCARD),
    ("chunking", s3(SOURCE), job(status="failed"), "duplicate-source-event", DISCARD),
    ("chunking", s3(SOURCE), job(status="deleted"), "would-be-swallowed", DISCARD),
    ("chunking", s3(SOURCE), NO_ROW, "unknown-job", DISCARD),
    ("chunking", s3(SOURCE), job(status="dreaming"), "unknown", CALL),
    ("chunking", s3(f"input/{JOB}/other.mp4"), None, "malformed", DISCARD),
    ("chunking", TEST_EVENT, None, "test-event", DISCARD),
    ("chunking", "no json", None, "malformed", DISCARD),
    ("chunking", s3(SOURCE), before("chunking_in_progress", lines=[line(START, 60)]), "unknown", WAIT),
    ("chunking", s3(SOURCE), before("chunking_in_progress", lines=[line(START, 901)]), "still-needed", REPLAY),
    # video-worker
    ("video-worker", s3(SEGMENT), missing(), "still-needed", REPLAY),
    ("video-worker", s3(SEGMENT), missing(endpoint="Failed"), "still-needed", CALL),
    ("video-worker", s3(SEGMENT), missing(endpoint=None), "still-needed", CALL),
    ("video-worker", s3(SEGMENT), missing(status="failed"), "still-needed", CALL),
    ("video-worker", s3(SEGMENT), unrecorded(), "would-do-harm", CALL),
    ("video-worker", s3(SEGMENT), job(), "would-do-harm", DISCARD),
    ("video-worker", s3(SEGMENT), completed(), "would-do-harm", DISCARD),
    ("video-worker", s3(SEGMENT), job(status="deleted"), "would-do-harm", DISCARD),
    ("video-worker", s3(SEGMENT), before("chunking_in_progress"), "unknown", WAIT),
    ("video-worker", s3(SEGMENT), replace(missing(), chunks=read(())), "would-be-swallowed", CALL),
    ("video-worker", s3(SEGMENT), NO_ROW, "unknown-job", DISCARD),
    ("video-worker", TEST_EVENT, None, "test-event", DISCARD),
    ("video-worker", s3(OUTPUT), missing(), "malformed", DISCARD),
    ("video-worker", s3(f"segments/{JOB}/00001_00009_sbs.mp4"), cut_twice(), "would-do-harm", CALL),
    ("video-worker", s3(f"segments/{JOB}/00007_00009_sbs.mp4"), cut_twice(), "would-do-harm", CALL),
    ("video-worker", s3(SEGMENT), missing(lines=[line(INVOKED, 60)]), "unknown", WAIT),
    # completions
    ("segment-output", s3(f"jobs/{JOB}/segments/7.mp4"), job(produced=(0, 1, 2, 7)), "would-do-harm", CALL),
    ("job-status-events", s3(FILM), missing(film_s=HOUR), "unknown", CALL),
    ("segment-output", s3(OUTPUT), unrecorded(), "still-needed", REPLAY),
    ("job-status-events", s3(OUTPUT), unrecorded(version="newest"), "still-needed", REPLAY),
    ("job-status-events", s3(OUTPUT), unrecorded(total=None, version="newest"), "still-needed", WAIT),
    ("segment-output", s3(OUTPUT), job(), "would-be-swallowed", DISCARD),
    ("segment-output", s3(OUTPUT), completed(), "would-be-swallowed", DISCARD),
    ("segment-output", s3(OUTPUT), missing(), "would-do-harm", CALL),
    ("segment-output", s3(OUTPUT), unrecorded(status="deleted"), "would-do-harm", DISCARD),
    ("segment-output", s3(OUTPUT), NO_ROW, "unknown-job", DISCARD),
    ("job-status-events", s3(FILM), job(film_s=HOUR), "still-needed", REPLAY),
    ("job-status-events", s3(FILM), job(film_s=HOUR, status="reassembling"), "still-needed", REPLAY),
    ("job-status-events", s3(FILM), completed(), "would-be-swallowed", DISCARD),
    ("job-status-events", s3(FILM), job(film_s=HOUR, status="deleted"), "would-do-harm", DISCARD),
    ("job-status-events", s3(FILM), job(), "would-do-harm", CALL),
    ("job-status-events", s3(FILM), NO_ROW, "would-do-harm", DISCARD),
    ("job-status-events", s3(f"jobs/{JOB}/.reassembly-done"), job(status="deleted"), "would-do-harm", DISCARD),
    ("job-status-events", s3("sagemaker-async-responses/a.out"), None, "would-be-swallowed", DISCARD),
    ("job-status-events", s3("sagemaker-async-failures/a-error.out"), None, "would-be-swallowed", DISCARD),
    # reassembly
    ("reassembly", MESSAGE, job(lock=(HOUR, None)), "still-needed", REPLAY),
    ("reassembly", MESSAGE, job(lock=(HOUR, HOUR)), "would-be-swallowed", DISCARD),
    ("reassembly", MESSAGE, job(), "would-be-swallowed", DISCARD),
    ("reassembly", MESSAGE, missing(lock=(HOUR, None)), "would-do-harm", WAIT),
    ("reassembly", MESSAGE, completed(lock=(HOUR, None)), "would-be-swallowed", DISCARD),
    ("reassembly", MESSAGE, job(lock=(HOUR, None), status="deleted"), "would-do-harm", DISCARD),
    ("reassembly", "{job_id: x}", None, "malformed", DISCARD),
    ("reassembly", MESSAGE, job(lock=(HOUR, None), status="created"), "unknown", CALL),
    ("reassembly", MESSAGE, job(lock=(HOUR, None), status="dreaming"), "unknown", CALL),
    ("reassembly", MESSAGE, job(lock=(HOUR, None), produced=(0, 2)), "would-do-harm", CALL),
    ("reassembly", MESSAGE, job(lock=(HOUR, None), recorded=(0, 1, 2, 3)), "would-do-harm", CALL),
    ("reassembly", MESSAGE, job(lock=(HOUR, None), recorded=(-1, 0, 1, 2)), "would-do-harm", CALL),
    ("reassembly", MESSAGE, job(lock=(HOUR, None), total=5701, recorded=range(5701)), "would-do-harm", CALL),
    ("reassembly", MESSAGE, job(lock=(HOUR, None), film_s=HOUR), "unknown", CALL),
    # the others
    ("output-events", s3(OUTPUT), unrecorded(), "would-do-harm", DISCARD),
    ("output-events", s3("sagemaker-async-responses/a.out"), None, "would-do-harm", DISCARD),
    ("deletion", MESSAGE, job(status="deleted"), "still-needed", REPLAY),
    ("deletion", MESSAGE, NO_ROW, "still-needed", REPLAY),
    ("deletion", MESSAGE, job(), "would-be-swallowed", DISCARD),
    ("ingest", INGEST, before("created"), "still-needed", REPLAY),
    ("ingest", INGEST, before("ingesting"), "would-be-swallowed", CALL),
    ("ingest", INGEST, job(), "would-be-swallowed", DISCARD),
    ("ingest", INGEST, NO_ROW, "unknown-job", DISCARD),
    ("job-events", json.dumps({"dynamodb": {"Keys": {"job_id": {"S": JOB}}}}), job(), "would-do-harm", DISCARD),
    ("brand-new", MESSAGE, job(), "unknown", CALL),
    ("video-worker", s3("brand-new/key.mp4"), None, "unknown", CALL),
    ("chunking", s3("brand-new/key.mp4"), None, "unknown", CALL),
]


@pytest.mark.parametrize(("queue", "body", "about", "name", "safe"), TABLE)
def test_the_replay_table(queue: str, body: str, about: JobEvidence | None, name: str, safe: str) -> None:
    found = judged(queue, body, about)
    assert (found.name, found.safe) == (name, (safe,)), found.why
    assert found.why


def test_every_class_is_in_the_table() -> None:
    assert {row[3] for row in TABLE} == set(CLASSES)


@pytest.mark.parametrize("status", ["deleted", "completed"])
@pytest.mark.parametrize(
    ("queue", "body"),
    [("chunking", SOURCE), ("video-worker", SEGMENT), ("segment-output", OUTPUT), ("job-status-events", FILM)],
)
def test_a_letter_of_a_deleted_or_completed_job_is_never_offered_for_replay(queue: str, body: str, status: str) -> None:
    for about in (job(status=status, film_s=HOUR), unrecorded(status=status), missing(status=status)):
        assert REPLAY not in judged(queue, s3(body), about).safe


PARTS = ("row", "completions", "lock", "outputs", "source", "chunks", "endpoint")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("queue", "body", "about", "name", "safe"), [row for row in TABLE if row[2] is not None])
def test_a_part_that_was_not_read_never_makes_a_replay_of_what_was_none(
    queue: str, body: str, about: JobEvidence, name: str, safe: str, part: str
) -> None:
    gap: dict[str, Any] = {part: UNREAD}
    found = judged(queue, body, replace(about, **gap))
    assert (found.name, found.safe) in ((name, (safe,)), ("unknown", (CALL,)))
    if found.name == "unknown" != name:
        assert "access denied" in found.why


@pytest.mark.parametrize("part", ["row", "completions", "outputs", "chunks", "endpoint"])
def test_what_a_replay_depends_on_is_read_or_there_is_none(part: str) -> None:
    gap: dict[str, Any] = {part: UNREAD}
    found = judged("video-worker", s3(SEGMENT), replace(missing(), **gap))
    assert (found.name, found.severity) == ("unknown", "unknown")


def test_a_job_that_was_not_read_at_all_is_waited_for() -> None:
    found = judged("chunking", s3(SOURCE))
    assert (found.name, found.safe) == ("unknown", (WAIT,))


def test_several_records_in_one_body_are_for_people() -> None:
    content = json.loads(s3(SOURCE))
    content["Records"] *= 2
    found = judged("chunking", json.dumps(content), before("created"))
    assert (found.name, found.safe) == ("unknown", (CALL,))
    assert "2 records" in found.why


def test_how_long_it_is_kept_counts_from_the_original_enqueue() -> None:
    found = judged("chunking", TEST_EVENT)
    assert found.expires_at == at(LONG) + timedelta(seconds=FOUR_DAYS)
    letter = DeadLetter("chunking", "m", TEST_EVENT, None, None, 1)
    assert judge_letter(letter, {}, FOUR_DAYS, NOW).expires_at is None
    assert judge_letter(replace(letter, sent_at=at(1)), {}, None, NOW).expires_at is None


@pytest.mark.parametrize(
    ("name", "severity"), [("still-needed", "critical"), ("unknown", "unknown"), ("test-event", "warning")]
)
def test_severity(name: str, severity: str) -> None:
    row = next(row for row in TABLE if row[3] == name)
    assert judged(row[0], row[1], row[2]).severity == severity
