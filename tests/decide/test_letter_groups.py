"""Many letters together: grouped as whoever decides reads them, each queue with its findings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ops_lib.decide.letter_findings import letter_findings
from ops_lib.decide.letter_groups import MOST_JOBS, jobs_named
from tests.corpus import TEST, s3
from tests.decide.states import HOUR, JOB, LONG, NOW, at, job, queue
from tests.judged_letters import QUEUES, SOURCE, judged, letter, look, three_classes
from tests.recorded import UNREAD

FOUR_DAYS = timedelta(days=4)


def test_letters_alike_are_one_group_the_needed_first_then_what_expires_first() -> None:
    groups = three_classes().groups
    assert [(g.queue, g.name, g.kind, len(g.letters)) for g in groups] == [
        ("video-worker", "still-needed", "segment event", 2),
        ("chunking", "test-event", "test event", 1),
        ("chunking", "duplicate-source-event", "source event", 1),
    ]
    needed = groups[0]
    assert (needed.oldest, needed.expires_at) == (at(2 * HOUR), at(2 * HOUR) + FOUR_DAYS)
    assert needed.reasons == ("its segment is missing and its object is there: replay",)


def test_the_jobs_evidence_holds_the_letters_so_that_its_verdict_does() -> None:
    letters = three_classes()
    assert letters.jobs[JOB].dead_letters == letters.looks
    assert letters.verdicts.keys() == {JOB}


def test_the_jobs_of_the_oldest_letters_are_read_and_the_rest_is_unread() -> None:
    ids = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(MOST_JOBS + 7)]
    letters = [letter("chunking", s3(f"input/{one}/source.mp4"), n, LONG - n) for n, one in enumerate(ids)]
    looks = {"chunking": look("chunking", *reversed(letters))}
    assert jobs_named(looks) == tuple(ids[:MOST_JOBS])
    found = judged(looks)
    assert {one.name for one in found.judged} == {"unknown"}
    assert [name for name in found.unread() if name.endswith("jobs that letters name")]


def test_parts_and_looks_that_were_not_read_are_named_once() -> None:
    looks: Any = {"chunking": look("chunking", letter("chunking", SOURCE, 1)), "reassembly": UNREAD}
    unread = judged(looks, replace(job(pairs=QUEUES), lock=UNREAD)).unread()
    assert unread.keys() == {"reassembly dead letters", f"trigger lock of job {JOB}"}


def findings(**given: Any) -> dict[str, Any]:
    return {one.id: one for one in letter_findings(QUEUES, three_classes(**given))}


def test_one_finding_for_each_queue_and_class_and_none_that_nobody_looked() -> None:
    found = findings()
    assert {name: one.severity for name, one in found.items()} == {
        "dead-letters:video-worker:still-needed": "critical",
        "dead-letters:chunking:test-event": "warning",
        "dead-letters:chunking:duplicate-source-event": "warning",
        "dead-letters": "ok",
    }
    needed = found["dead-letters:video-worker:still-needed"]
    assert needed.summary == "2 dead letters of video-worker, still needed; the first expires in 3 d 22 h."
    assert needed.parameters == {"queue": "video-worker"}
    assert "replay them" in needed.next_step
    assert "Discard them" in found["dead-letters:chunking:test-event"].next_step


def test_a_queue_without_a_look_says_that_nobody_looked_and_a_failed_look_says_why() -> None:
    for look_at, said in ((None, "kept 4 d"), (UNREAD, "access denied")):
        one = findings(video_worker=look_at)["dead-letters:video-worker"]
        assert one.severity == "critical"
        assert one.summary == "3 dead letters of video-worker that this run did not look into."
        assert (one.notebook, one.parameters) == ("1_dead_letters", {"queue": "video-worker"})
        assert any(said in fact for fact in one.evidence)


@pytest.mark.parametrize("gap", [{"in_flight": 1}, {"about": 3}, {"about": 2, "stopped_by": "half"}], ids=str)
def test_what_a_look_did_not_see_is_critical(gap: dict[str, Any]) -> None:
    part = look("chunking", letter("chunking", TEST, 1), **gap)
    one = findings(chunking=part)["dead-letters:chunking:not-seen"]
    assert one.severity == "critical"
    assert "1 of about" in one.summary
    assert one.next_step == "Look again once they are visible; never purge what nobody has seen."


def test_as_many_as_sqs_counted_is_a_note_where_the_look_stopped_at_most() -> None:
    part = look("chunking", letter("chunking", TEST, 1), stopped_by="no more than 1 was asked for", reached_most=True)
    one = findings(chunking=part)["dead-letters:chunking:not-seen"]
    assert one.severity == "note"
    assert one.summary.startswith("As many dead letters of chunking were seen as SQS counted, about 1;")
    assert one.next_step.startswith("Raise most and look again;")


def test_a_queue_without_a_dead_letter_queue_or_unread_is_no_empty_one() -> None:
    queues = {"a": replace(queue("a"), dlq=None), "b": replace(queue("b"), dlq=UNREAD)}
    found = {one.id: one.severity for one in letter_findings(queues, judged({}))}
    assert found == {"no-dead-letter-queue:a": "note", "dead-letters:b": "unknown"}


def test_a_letter_whose_age_is_not_known_is_said_so() -> None:
    first = replace(letter("chunking", TEST, 1), sent_at=None)
    letters = judged({"chunking": look("chunking", first)})
    assert letters.groups[0].oldest is None
    (one,) = [f for f in letter_findings({"chunking": QUEUES["chunking"]}, letters) if f.severity == "warning"]
    assert "a time that is not known" in one.summary
    assert letters.now == NOW
