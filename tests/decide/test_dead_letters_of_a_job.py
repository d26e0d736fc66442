"""What a leased look into the dead-letter queues changes about one job's verdict (pipeline.md 8)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ops_lib.decide.case import Case
from ops_lib.decide.stuck_job import judge
from ops_lib.evidence import Read
from ops_lib.gathered import JobEvidence
from ops_lib.letters import DeadLetter, Inspection
from tests.decide.states import HOUR, JOB, LONG, NOW, at, dead, job, line, queue
from tests.recorded import UNREAD, read

OTHER_JOB = "00000000-0000-4000-8000-000000000000"


def s3(key: str) -> str:
    return json.dumps({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": key}}}]})


def letter(key: str, body: str, seconds: float = LONG) -> DeadLetter:
    return DeadLetter(key, f"m-{key}-{seconds}", body, at(seconds), at(seconds), 6)


def looked(evidence: JobEvidence, key: str, *letters: DeadLetter, **seen: Any) -> JobEvidence:
    """Return the evidence after a look into one dead-letter queue that held these letters."""
    told = {"about": len(letters), "in_flight": 0, "put_back": len(letters)} | seen
    pair = dead(evidence.queues[key], told["about"])
    look = read(Inspection(key, letters, **told))
    return replace(evidence, queues={**evidence.queues, key: pair}, dead_letters={**evidence.dead_letters, key: look})


def unlooked(evidence: JobEvidence, key: str) -> JobEvidence:
    """Return the evidence with a letter behind `key` that nobody looked at."""
    return replace(evidence, queues={**evidence.queues, key: dead(evidence.queues[key], 1)})


# A segment's output is there, its completion is not: F06, or F18 and F19.

VERSIONS = {"runbook": "segment-output", "newest": "job-status-events"}


def produced(version: str, **given: Any) -> JobEvidence:
    return job(version=version, recorded=(0, 2), produced=(0, 1, 2), **given)


@pytest.mark.parametrize("version", VERSIONS)
def test_where_nobody_looked_both_reasons_stay(version: str) -> None:
    verdict = judge(unlooked(produced(version), VERSIONS[version]), NOW)
    assert verdict.confidence == "unknown"
    assert verdict.candidates == ("completion-event-dead-lettered", "completion-never-recorded")
    assert "inspect_dead_letters" in verdict.next_step


@pytest.mark.parametrize("version", VERSIONS)
def test_a_letter_that_names_the_segment_settles_it(version: str) -> None:
    key = VERSIONS[version]
    seen = looked(produced(version), key, letter(key, s3(f"jobs/{JOB}/segments/1.mp4")))
    verdict = judge(seen, NOW)
    assert (verdict.name, verdict.candidates) == ("completion-event-dead-lettered", ("completion-event-dead-lettered",))
    assert "replay-dead-letter" in verdict.safe_actions
    assert verdict.confidence == "certain"
    assert any("is a dead letter" in fact for fact in verdict.because)
    assert verdict.next_step.startswith(f"Replay its letter (1_dead_letters -p queue={key})")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "body",
    [s3(f"jobs/{JOB}/segments/0.mp4"), s3(f"jobs/{OTHER_JOB}/segments/1.mp4"), s3(f"jobs/{JOB}/final.mp4"), "x"],
)
def test_a_letter_about_something_else_leaves_it_never_recorded(version: str, body: str) -> None:
    key = VERSIONS[version]
    verdict = judge(looked(produced(version), key, letter(key, body)), NOW)
    assert (verdict.name, verdict.candidates) == ("completion-never-recorded", ("completion-never-recorded",))


@pytest.mark.parametrize("seen", [{"about": 3}, {"in_flight": 1}, {"stopped_by": "its receives were used up"}])
def test_a_look_that_saw_not_all_settles_nothing(seen: dict[str, Any]) -> None:
    key = "segment-output"
    verdict = judge(looked(produced("runbook"), key, letter(key, "x"), **seen), NOW)
    assert len(verdict.candidates) == 2
    assert verdict.confidence == "unknown"


def test_a_look_that_was_denied_settles_nothing_and_is_listed() -> None:
    evidence = replace(unlooked(produced("runbook"), "segment-output"), dead_letters={"segment-output": UNREAD})
    verdict = judge(evidence, NOW)
    assert len(verdict.candidates) == 2
    assert "segment-output dead letters: access denied" in verdict.unread


def test_a_letter_in_another_queue_is_no_completion_event() -> None:
    seen = looked(produced("runbook"), "chunking", letter("chunking", s3(f"jobs/{JOB}/segments/1.mp4")))
    assert judge(unlooked(seen, "segment-output"), NOW).confidence == "unknown"


# A segment's message was given up.


def missing(*lines: str, **given: Any) -> JobEvidence:
    told = [line(text, 2 * LONG - 60 * number) for number, text in enumerate(lines)]
    return job(recorded=(0, 2), lines=told, **given)


def segment_letter(seconds: float = 2 * LONG - 1, index: int = 1) -> DeadLetter:
    return letter("video-worker", s3(f"segments/{JOB}/{index:05d}_00003_sbs.mp4"), seconds)


def test_its_segment_is_dead_lettered_and_says_so() -> None:
    seen = looked(missing(), "video-worker", segment_letter())
    states = {s.segment_index: s for s in Case(seen, NOW).segments}
    assert states[1].state == "dead-lettered"
    assert "received 6 times" in states[1].why
    assert (states[0].state, states[2].state) == ("recorded", "recorded")


@pytest.mark.parametrize(
    ("status", "lines", "name"),
    [
        ("failed", (), "inference-refused"),
        ("failed", ("video-worker: job_id={J} segment_index=1 invoke_async failed: x",), "inference-refused"),
        ("chunking_complete", ("job_id={J} segment_index=1 invocations failed: iw3",), "inference-failed"),
        ("chunking_complete", ("video-worker: job_id={J} segment_index=1 container error (x)",), "inference-failed"),
    ],
)
def test_what_its_lines_say_explains_a_dead_lettered_segment(status: str, lines: tuple[str, ...], name: str) -> None:
    verdict = judge(looked(missing(*lines, status=status), "video-worker", segment_letter()), NOW)
    assert (verdict.name, verdict.missing_segments) == (name, (1,))
    assert verdict.scope == "job"


def test_without_lines_every_reason_for_a_dead_letter_is_named() -> None:
    verdict = judge(looked(missing(), "video-worker", segment_letter()), NOW)
    assert verdict.candidates == ("inference-failed", "inference-timed-out", "request-never-uploaded")
    assert verdict.confidence == "unknown"
    assert "trigger" not in verdict.safe_actions


def test_a_letter_of_an_earlier_cutting_says_nothing() -> None:
    seen = looked(missing(chunked_s=HOUR), "video-worker", segment_letter(5 * LONG))
    assert {s.state for s in Case(seen, NOW).segments} == {"recorded", "unknown"}


def test_a_segment_that_was_sent_again_is_in_flight_whatever_lies_in_the_dead_letter_queue() -> None:
    again = job(recorded=(0, 2), lines=[line("video-worker: job_id={J} segment_index=1/3 invoked (x)", 60)])
    verdict = judge(looked(again, "video-worker", segment_letter()), NOW)
    assert verdict.name == "segments-in-progress"


# Before there are segments, and after they are all recorded.

SOURCE = s3(f"input%2F{JOB}%2Fsource.mp4")
START = "chunking: job_id={J} start (key=k)"


def test_chunking_that_was_given_up_dies_for_certain() -> None:
    starts = [line(START, LONG - 900 * number) for number in range(2)]
    evidence = job(status="chunking_in_progress", total=None, recorded=(), lines=starts)
    assert judge(evidence, NOW).confidence != "certain"
    verdict = judge(looked(evidence, "chunking", letter("chunking", SOURCE)), NOW)
    assert (verdict.name, verdict.confidence) == ("chunking-dies", "certain")


def test_a_young_start_is_still_chunking() -> None:
    evidence = job(status="chunking_in_progress", total=None, recorded=(), lines=[line(START, 60)])
    seen = looked(evidence, "chunking", letter("chunking", SOURCE))
    assert judge(seen, NOW).name == "chunking-in-progress"


def test_a_source_whose_event_was_given_up_is_not_waited_for() -> None:
    evidence = job(status="created", total=None, recorded=(), source_s=LONG, lines=[line(START, 1000)])
    waiting = judge(evidence, NOW)
    assert (waiting.name, waiting.safe_actions) == ("source-download-failed", ("wait",))
    assert waiting.wait_until is None, "its next delivery is due: a time that is over is no time to wait for"
    verdict = judge(looked(evidence, "chunking", letter("chunking", SOURCE, LONG - 1)), NOW)
    assert (verdict.name, verdict.safe_actions) == ("source-download-failed", ("resend-source-event",))


def test_a_source_whose_event_was_given_up_without_a_word() -> None:
    evidence = job(status="created", total=None, recorded=(), source_s=LONG)
    assert judge(evidence, NOW).name == "unknown"
    verdict = judge(looked(evidence, "chunking", letter("chunking", SOURCE, LONG - 1)), NOW)
    assert (verdict.name, verdict.confidence) == ("source-download-failed", "likely")


def test_a_duplicate_of_an_earlier_upload_is_not_this_source() -> None:
    evidence = job(status="created", total=None, recorded=(), source_s=60)
    verdict = judge(looked(evidence, "chunking", letter("chunking", SOURCE, LONG)), NOW)
    assert verdict.name == "chunking-queued"


def test_a_lock_whose_message_is_a_dead_letter_has_no_message() -> None:
    pairs = {**job().queues, "reassembly": queue("reassembly", visible=3)}
    evidence = job(lock=(HOUR, None), recorded_s=HOUR + 10, pairs=pairs)
    assert judge(evidence, NOW).name == "reassembly-queued"
    body = f'{{"job_id":"{JOB}"}}'
    verdict = judge(looked(evidence, "reassembly", letter("reassembly", body, HOUR)), NOW)
    assert (verdict.name, verdict.confidence) == ("lock-without-message", "certain")
    assert verdict.safe_actions == ("send-message",)


def test_a_film_event_among_the_dead_letters_is_named() -> None:
    evidence = job(version="newest", film_s=HOUR)
    body = s3(f"jobs/{JOB}/final.mp4")
    verdict = judge(looked(evidence, "job-status-events", letter("job-status-events", body, HOUR)), NOW)
    assert verdict.name == "output-done-status-stale"
    assert any("dead letter" in fact for fact in verdict.because)


def test_a_deleted_or_completed_jobs_letters_change_nothing() -> None:
    for status, name in (("deleted", "deleted-job"), ("completed", "completed")):
        done = at(HOUR) if status == "completed" else None
        evidence = job(status=status, film_s=HOUR, completed_at=done)
        assert judge(looked(evidence, "video-worker", segment_letter()), NOW).name == name
        assert isinstance(looked(evidence, "video-worker").dead_letters["video-worker"], Read)


# A letter that is older than what it would be about tells nothing of it.


def test_a_message_of_an_earlier_lock_is_not_this_locks() -> None:
    pairs = {**job().queues, "reassembly": queue("reassembly", visible=1)}
    evidence = job(lock=(60, None), pairs=pairs)
    assert judge(evidence, NOW).scope == "healthy"
    seen = looked(evidence, "reassembly", letter("reassembly", f'{{"job_id":"{JOB}"}}', LONG))
    assert judge(seen, NOW).scope == "healthy"


def test_the_event_of_an_earlier_output_is_not_this_outputs() -> None:
    evidence = produced("newest", produced_s=HOUR)
    seen = looked(evidence, "job-status-events", letter("job-status-events", s3(f"jobs/{JOB}/segments/1.mp4"), LONG))
    assert judge(seen, NOW).name == "completion-never-recorded"


@pytest.mark.parametrize("status", ["created", "chunking_in_progress"])
def test_the_event_of_an_earlier_upload_does_not_end_this_ones_retries(status: str) -> None:
    evidence = job(status=status, total=None, recorded=(), source_s=HOUR, lines=[line(START, 1000)])
    waiting = judge(evidence, NOW)
    seen = judge(looked(evidence, "chunking", letter("chunking", SOURCE, LONG)), NOW)
    assert (seen.name, seen.safe_actions) == (waiting.name, waiting.safe_actions)
    assert seen.name != "chunking-dies"
