"""How long work takes, from the lines of both versions: each beginning with its own end, never with another's."""

from __future__ import annotations

import re

import pytest

from ops_lib.decide.log_lines import read_signs
from ops_lib.decide.work import SPANS, WANTED, measure
from tests.decide.work_lines import INVOKED, VIDEO, done, job, line, many, told


@pytest.mark.parametrize("queue", list(SPANS))
def test_a_message_is_held_from_its_beginning_to_its_end(queue: str) -> None:
    work = measure(told(many(queue, [30.0, 90.5])))
    assert work.of(queue)["held_s"].tolist() == [30.0, 90.5]
    assert set(work.of(queue)["job_id"]) == {job(0), job(1)}
    assert work.of(queue)["starts"].tolist() == [1, 1]
    assert not work.unfinished


@pytest.mark.parametrize(
    "ends",
    [
        "reassembly: job_id={} upload done",
        "reassembly: job_id={} completed (video-worker sets status on final.mp4 event)",
        "reassembly: job_id={} final.mp4 already exists (idempotent)",
    ],
)
def test_the_first_of_several_ends_counts(ends: str) -> None:
    received = line(f"reassembly: job_id={job(1)} received", 100)
    lines = [received, line(ends.format(job(1)), 40), line(f"reassembly: job_id={job(1)} completed", 39)]
    assert measure(told(lines)).samples["held_s"].tolist() == [60.0]


@pytest.mark.parametrize(
    "words", ["lock not acquired (another worker)", "completions=2 != total_segments=3", "failed to process message: x"]
)
def test_what_breaks_off_is_no_sample(words: str) -> None:
    lines = [line(f"reassembly: job_id={job(1)} received", 90), line(f"reassembly: job_id={job(1)} {words}", 80)]
    work = measure(told([*lines, line(f"reassembly: job_id={job(1)} completed", 10)]))
    assert work.samples.empty
    assert not work.unfinished


def test_a_loop_has_one_message_in_hand() -> None:
    """The one before is over, however it ended: its end in another stream is not its own."""
    first, second = done("chunking", 1, 500, 400), done("chunking", 2, 300, 100)
    work = measure(told([first[0], *second, first[1]]))
    assert work.samples["job_id"].tolist() == [job(2)]
    assert not work.unfinished


def test_what_was_begun_again_meanwhile_is_counted() -> None:
    begun, ended = done("chunking", 1, 2000, 1500)
    again = line(begun.message.partition("logger: ")[2], 1100, "ecs/media-worker/m2")
    work = measure(told([begun, again, ended]))
    assert work.samples[["held_s", "starts"]].values.tolist() == [[1500.0, 2]]
    assert [piece.stream for piece in work.unfinished] == [again.stream]


def test_a_segment_counts_from_its_first_invocation_to_its_record() -> None:
    invoked, recorded = done("video-worker", 1, 900, 700)
    twice = line(INVOKED.format(job(1), 0), 500, "ecs/video-worker/v2")
    other = line(INVOKED.format(job(1), 1), 400, VIDEO)
    work = measure(told([invoked, twice, other, recorded]))
    assert work.of("video-worker")[["held_s", "starts"]].values.tolist() == [[700.0, 2]]
    assert [piece.segment_index for piece in work.unfinished] == [1]


def test_the_older_version_records_in_its_own_words() -> None:
    invoked = line(
        f"video-worker: job_id={job(1)} segment_index=0/3 invoked (completion via segment-output)", 90, VIDEO
    )
    recorded = line(f"segment-output: job_id={job(1)} segment_index=0 -> s3://out/jobs/x/segments/0.mp4", 20, VIDEO)
    assert measure(told([invoked, recorded])).samples["held_s"].tolist() == [70.0]


def test_only_what_a_running_task_began_last_is_in_hand() -> None:
    lines = [done("chunking", 1, 500, 1)[0], done("reassembly", 2, 400, 1)[0]]
    gone = line(f"reassembly: job_id={job(3)} received", 300, "ecs/media-worker/gone")
    work = measure(told([*lines, gone]))
    assert {piece.queue for piece in work.in_hand(["m1"])} == {"chunking", "reassembly"}
    assert [piece.job_id for piece in work.in_hand(["gone"])] == [job(3)]
    assert work.in_hand([]) == ()


def test_the_questions_to_the_log_find_every_line_that_counts_each_those_of_its_queue() -> None:
    assert not any("/" in one or "?P<" in one for one in WANTED.values())
    lines = [said for queue in SPANS for said in done(queue, 1, 50, 10)]
    lines += [line(f"reassembly: job_id={job(1)} lock not acquired (another worker)", 1)]
    for said in lines:
        assert sum(bool(re.search(one, said.message)) for one in WANTED.values()) == 1, said.message
    assert all(re.search(WANTED[queue], said.message) for queue in SPANS for said in done(queue, 1, 50, 10))
    assert not any(re.search(one, f"job_id={job(1)} detail status=chunking_complete") for one in WANTED.values())
    kinds = {kind for span in SPANS.values() for kind in (span.begins, span.ends)}
    assert kinds <= {sign.kind for sign in read_signs(lines)}


def test_nothing_said_is_an_empty_table_of_the_same_schema() -> None:
    work = measure(told([]))
    assert work.samples.empty
    assert list(work.samples.columns) == ["queue", "job_id", "segment_index", "started_at", "held_s", "starts"]
